"""Which subscriptions follow from the sources that changed: one for each collection that is followed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import UpdateOne

from kit.mongo import Database, Document
from records.sources.record import followed
from records.sources.websub import Mode, SubscriptionState

OVERLAP = timedelta(minutes=1)  # how far apart the clocks of those who write sources may be


@dataclass(frozen=True, slots=True)
class Feed:
    """A followed collection: its integration, its provider's id, which names its subscription, and its link."""

    platform: str
    id: str
    url: str


async def changed_feeds(
    db: Database, platforms: Collection[str], since: datetime, most: int
) -> tuple[set[Feed], datetime | None]:
    """Return the collections whose sources changed at or after `since`, and up to when that is all of them; None where
    it is all there are. A change of any kind counts, a sync's as well."""
    which = {"platform": {"$in": list(platforms)}, "updated_at": {"$gte": since}}
    fields = {"platform": 1, "source_identifier": 1, "url": 1, "updated_at": 1}
    sources = await db.sources.find(which, fields).sort("updated_at", 1).limit(most).to_list()
    found = {
        Feed(source["platform"], source["source_identifier"], source["url"])
        for source in sources
        if source["source_identifier"] != source["url"]  # else it is no collection
    }
    if len(sources) < most:
        return found, None
    last: datetime = sources[-1]["updated_at"]
    return found, last if last > since else last + timedelta(milliseconds=1)


async def writes(db: Database, feeds: Collection[Feed], now: datetime) -> list[UpdateOne]:
    """Return what makes the subscriptions of these collections what their sources say."""
    wanted: set[str] = set()
    for platform in {feed.platform for feed in feeds}:
        urls = [feed.url for feed in feeds if feed.platform == platform]
        wanted |= set(await db.sources.distinct("url", followed(platform, urls)))
    known = db.subscriptions.find({"_id": {"$in": [feed.id for feed in feeds]}}, {"due_at": 1, "asked": 1})
    return list(_differences(feeds, wanted, {one["_id"]: one async for one in known}, now))


def _differences(
    feeds: Collection[Feed], wanted: Collection[str], known: dict[str, Document], now: datetime
) -> Iterator[UpdateOne]:
    """Due at once either way: to be asked for, or to be ended."""
    for feed in feeds:
        if feed.url in wanted:
            if feed.id not in known:
                new = {"platform": feed.platform, **_new(now)}
                yield UpdateOne({"_id": feed.id}, {"$setOnInsert": new}, upsert=True)
        elif feed.id in known and known[feed.id]["due_at"] > now and known[feed.id]["asked"] != Mode.UNSUBSCRIBE:
            yield UpdateOne({"_id": feed.id}, {"$set": {"due_at": now, "failures": 0}})


def _new(now: datetime) -> Document:
    return {
        "state": SubscriptionState.PENDING,
        "asked": None,
        "callback": None,
        "terms": None,
        "failures": 0,
        "lease_until": None,
        "due_at": now,
        "created_at": now,
        "updated_at": now,
    }
