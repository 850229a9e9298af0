"""Deleted projects (`deletions`), so that no late event makes one again.

An event from before the deletion may come at any time: delivered again, deferred for a limit or a member, or replayed
by an operator. A deletion is kept longer than any of these can last. An import that is requested after the deletion
makes the project again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from pymongo import ASCENDING, IndexModel

from kit.mongo import Database, Document, collection
from records.projects import is_another, projects

# Longer than the topics keep an event (7 days), the dead letters (30), and a message that waits for its member (50).
KEPT = timedelta(days=90)


class DeletionRecord(TypedDict):
    _id: UUID  # of the project
    user_id: str
    platform: str | None
    external_id: str
    links: list[str]  # where the project was, its current link first
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project is to be made: its id, its owner, its canonical link, and what it is upstream."""

    project_id: UUID
    user_id: str
    url: str
    platform: str | None = None
    external_id: str = ""


async def remember(db: Database, which: Document, now: datetime) -> None:
    """Record that the projects of this filter are deleted now. Call it before deleting them, so that nothing brings one
    back in between. It does not change the projects."""
    former = {"$map": {"input": {"$ifNull": ["$former_links", []]}, "in": "$$this.url"}}
    deletion = {
        "user_id": 1,
        "platform": 1,
        "external_id": 1,
        "links": {"$concatArrays": [["$url"], former]},
        "at": {"$literal": now},
        "expires_at": {"$literal": now + KEPT},
    }
    into = {"$merge": {"into": "deletions", "whenMatched": "replace"}}
    await (await projects(db).aggregate([{"$match": which}, {"$project": deletion}, into])).to_list()


async def deleted(db: Database, places: Iterable[Place]) -> Mapping[Place, datetime]:
    """Return when a project was last deleted at each of these places, for those where one was."""
    asked = list(places)
    deletions = collection(db, "deletions", DeletionRecord)
    by_id = {"_id": {"$in": [it.project_id for it in asked]}}
    by_link = {"user_id": {"$in": [it.user_id for it in asked]}, "links": {"$in": [it.url for it in asked]}}
    found = await deletions.find({"$or": [by_id, by_link]}).to_list()
    times: dict[Place, datetime] = {}
    for place in asked:
        ends = [one["at"] for one in found if _is_of(one, place)]
        if ends:
            times[place] = max(ends)
    return times


def _is_of(deletion: DeletionRecord, place: Place) -> bool:
    if deletion["user_id"] != place.user_id:
        return False
    if deletion["_id"] == place.project_id:
        return True
    return place.url in deletion["links"] and not is_another(deletion, place.platform, place.external_id)


INDEXES = [
    IndexModel([("user_id", ASCENDING), ("links", ASCENDING)], name="links"),
    IndexModel([("expires_at", ASCENDING)], name="expired", expireAfterSeconds=0),
]
