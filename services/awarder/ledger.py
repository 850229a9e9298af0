"""The points ledger in MongoDB (`points`): one entry per reason and project, never a counter."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from kit.batch import Batcher
from kit.errors import ContentNotFoundError
from kit.mongo import Database, Document, each_written
from schemas.events import PointsAwarded


class Ledger:
    def __init__(self, db: Database) -> None:
        self._points = db.points
        self._projects = db.projects
        self.enter: Batcher[PointsAwarded, None] = Batcher(self._enter_many)

    async def _enter_many(self, awards: list[PointsAwarded]) -> list[Exception | None]:
        """An entry that is there already is a success: the award was made, by an earlier delivery.

        For a project that its owner does not have there is none, whoever says so.
        """
        earned = await self._existing(awards)
        entries = [entry(award) for award in awards if award.project_id in earned]
        if not entries:
            return [_gone() for _ in awards]
        written = iter(await each_written(self._points.insert_many(entries, ordered=False), len(entries)))
        return [next(written) if award.project_id in earned else _gone() for award in awards]

    async def _existing(self, awards: list[PointsAwarded]) -> set[UUID]:
        owners = {award.project_id: award.user_id for award in awards}
        found = self._projects.find({"_id": {"$in": list(owners)}}, {"user_id": 1})
        return {project["_id"] async for project in found if owners[project["_id"]] == project["user_id"]}


def _gone() -> ContentNotFoundError:
    return ContentNotFoundError("The project is gone.", suggestion="Paste the link again to import it anew.")


def entry(award: PointsAwarded) -> Document:
    return {
        "_id": uuid5(award.project_id, award.reason),
        "user_id": award.user_id,
        "project_id": award.project_id,
        "points": award.points,
        "reason": award.reason,
        "awarded_at": datetime.now(UTC),
    }
