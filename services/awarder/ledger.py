"""The points ledger in MongoDB (`points`): one entry per reason and project, never a counter."""

from datetime import UTC, datetime
from uuid import uuid5

from pymongo.errors import BulkWriteError

from kit.batch import Batcher
from kit.mongo import DUPLICATE_KEY, Database, Document, write_errors
from schemas.events import PointsAwarded


class Ledger:
    def __init__(self, db: Database) -> None:
        self._points = db.points
        self.enter: Batcher[PointsAwarded, None] = Batcher(self._enter_many)

    async def _enter_many(self, awards: list[PointsAwarded]) -> list[Exception | None]:
        """An entry that is there already is a success: the award was made, by an earlier delivery."""
        failed: dict[int, Exception] = {}
        try:
            await self._points.insert_many([entry(award) for award in awards], ordered=False)
        except BulkWriteError as error:
            for index, failure in write_errors(error).items():
                if failure["code"] != DUPLICATE_KEY:
                    failed[index] = RuntimeError(str(failure.get("errmsg", "write refused"))[:200])
        return [failed.get(index) for index in range(len(awards))]


def entry(award: PointsAwarded) -> Document:
    return {
        "_id": uuid5(award.project_id, award.reason),
        "user_id": award.user_id,
        "project_id": award.project_id,
        "points": award.points,
        "reason": award.reason,
        "awarded_at": datetime.now(UTC),
    }
