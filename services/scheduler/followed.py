"""Which subscriptions follow from the sources that changed: of those that are followed, one for each channel."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from pymongo import UpdateOne

from integrations.youtube.urls import channel_url
from kit.mongo import Database, Document
from records.sources.record import followed
from records.sources.websub import Mode, SubscriptionState

OVERLAP = timedelta(minutes=1)  # how far apart the clocks of those who write sources may be


async def changed_channels(db: Database, since: datetime, most: int) -> tuple[set[str], datetime | None]:
    """Ids of the channels whose sources changed at or after `since`, and up to when that is all of them; None where it
    is all there are. A change of any kind counts, a sync's as well."""
    which = {"platform": "youtube", "updated_at": {"$gte": since}}
    fields = {"url": 1, "updated_at": 1}
    sources = await db.sources.find(which, fields).sort("updated_at", 1).limit(most).to_list()
    is_whole = len(sources) < most
    if not is_whole and sources[-1]["updated_at"] == since:  # more than a page changed in this millisecond
        sources = await db.sources.find({**which, "updated_at": since}, fields).to_list()
    prefix = channel_url("")
    found = {source["url"].removeprefix(prefix) for source in sources if source["url"].startswith(channel_url("UC"))}
    if is_whole:
        return found, None
    last: datetime = sources[-1]["updated_at"]
    return found, last if last > since else last + timedelta(milliseconds=1)


async def writes(db: Database, channels: Collection[str], now: datetime) -> list[UpdateOne]:
    """What makes the subscriptions of these channels what their sources say."""
    urls = [channel_url(channel) for channel in channels]
    wanted = await db.sources.distinct("url", followed("youtube", urls))
    known = db.subscriptions.find({"_id": {"$in": list(channels)}}, {"due_at": 1, "asked": 1})
    return list(_differences(channels, wanted, {one["_id"]: one async for one in known}, now))


def _differences(
    channels: Collection[str], wanted: Sequence[str], known: dict[str, Document], now: datetime
) -> Iterator[UpdateOne]:
    """Due at once either way: to be asked for, or to be ended."""
    for channel in channels:
        if channel_url(channel) in wanted:
            if channel not in known:
                yield UpdateOne({"_id": channel}, {"$setOnInsert": _new(now)}, upsert=True)
        elif channel in known and known[channel]["due_at"] > now and known[channel]["asked"] != Mode.UNSUBSCRIBE:
            yield UpdateOne({"_id": channel}, {"$set": {"due_at": now, "failures": 0}})


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
