"""What its owner has deleted stays deleted (`deletions`), whatever of it comes again.

An event from before the deletion may come at any time: delivered again, kept back for a limit or a member, or
published anew by an operator. So the deletion is kept longer than any of these can last. An import that was asked for
later makes the project anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit.mongo import Database, Document
from records.projects import is_another

# Longer than the topics keep an event (7 days), the dead letters (30), and a message that waits for its member (50).
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project is to be made: its id, its owner, its canonical link, and what it is upstream."""

    project_id: UUID
    user_id: str
    url: str
    platform: str | None = None
    external_id: str = ""


async def remember(db: Database, which: Document, now: datetime) -> None:
    """That the projects this filter finds are deleted now. Call it before they are, so that nothing brings one back in
    between; a project that is there is not touched by it."""
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
    await (await db.projects.aggregate([{"$match": which}, {"$project": deletion}, into])).to_list()


async def deleted(db: Database, places: Iterable[Place]) -> Mapping[Place, datetime]:
    """When what was there was deleted last, of those where something was."""
    asked = list(places)
    by_id = {"_id": {"$in": [it.project_id for it in asked]}}
    by_link = {"user_id": {"$in": [it.user_id for it in asked]}, "links": {"$in": [it.url for it in asked]}}
    found = await db.deletions.find({"$or": [by_id, by_link]}).to_list()
    times: dict[Place, datetime] = {}
    for place in asked:
        ends = [one["at"] for one in found if _is_of(one, place)]
        if ends:
            times[place] = max(ends)
    return times


def _is_of(deletion: Document, place: Place) -> bool:
    if deletion["user_id"] != place.user_id:
        return False
    if deletion["_id"] == place.project_id:
        return True
    return place.url in deletion["links"] and not is_another(deletion, place.platform, place.external_id)
