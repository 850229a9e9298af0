"""The points ledger (`points`): one entry for each reason and project, never a counter."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypedDict
from uuid import UUID, uuid5

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Database, Document, collection, refused
from schemas.events import PointsAwarded


class PointsRecord(TypedDict):
    _id: UUID  # derived from the project and the reason
    user_id: str
    project_id: UUID
    import_id: UUID
    points: int
    reason: str
    awarded_at: datetime


def points(db: Database) -> AsyncCollection[PointsRecord]:
    return collection(db, "points", PointsRecord)


def entry(award: PointsAwarded) -> PointsRecord:
    return {
        "_id": entry_id(award),
        "user_id": award.user_id,
        "project_id": award.project_id,
        "import_id": award.import_id,
        "points": award.points,
        "reason": award.reason,
        "awarded_at": datetime.now(UTC),
    }


def entry_id(award: PointsAwarded) -> UUID:
    return uuid5(award.project_id, award.reason)


async def insert_many(db: Database, awards: Sequence[PointsAwarded]) -> dict[int, Document]:
    """Enter these awards. Returns the failures by position, with `code` and `errmsg`, like `kit.mongo.refused`."""
    return await refused(points(db).insert_many([entry(award) for award in awards], ordered=False))


async def entered_by(db: Database, awards: Sequence[PointsAwarded]) -> dict[UUID, UUID]:
    """Return the import that entered each of these awards, by project."""
    if not awards:
        return {}
    found = points(db).find({"_id": {"$in": [entry_id(award) for award in awards]}})
    return {one["project_id"]: one["import_id"] async for one in found}


INDEXES = [
    IndexModel([("reason", ASCENDING), ("project_id", ASCENDING)], name="once", unique=True),
    IndexModel([("user_id", ASCENDING), ("awarded_at", DESCENDING), ("_id", DESCENDING)], name="by_user"),
]
