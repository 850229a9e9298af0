"""The points ledger in MongoDB (`points`): one entry per reason and project, never a counter."""

from datetime import UTC, datetime
from uuid import uuid5

from kit.batch import Batcher
from kit.mongo import Database, Document, each_written
from schemas.events import PointsAwarded


class Ledger:
    def __init__(self, db: Database) -> None:
        self._points = db.points
        self.enter: Batcher[PointsAwarded, None] = Batcher(self._enter_many)

    async def _enter_many(self, awards: list[PointsAwarded]) -> list[Exception | None]:
        """An entry that is there already is a success: the award was made, by an earlier delivery."""
        entries = [entry(award) for award in awards]
        return await each_written(self._points.insert_many(entries, ordered=False), len(entries))


def entry(award: PointsAwarded) -> Document:
    return {
        "_id": uuid5(award.project_id, award.reason),
        "user_id": award.user_id,
        "project_id": award.project_id,
        "points": award.points,
        "reason": award.reason,
        "awarded_at": datetime.now(UTC),
    }
