"""The points ledger in MongoDB (`points`): one entry per reason and project, never a counter."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid5

from kit.errors import ContentNotFoundError
from kit.microbatch import MicroBatcher
from kit.mongo import DUPLICATE_KEY, Database, Document, WriteRefusedError, refused
from schemas.events import PointsAwarded


class Ledger:
    def __init__(self, db: Database) -> None:
        self._points = db.points
        self._projects = db.projects
        self._users = db.users
        # Gives the points that this import earned, however often it asks: none where another has entered them before,
        # and none to an agent.
        # Raises ContentNotFoundError for a project that its owner does not have, whoever says so.
        self.enter: MicroBatcher[PointsAwarded, int] = MicroBatcher(self._enter_many)

    async def _enter_many(self, awards: list[PointsAwarded]) -> list[int | Exception]:
        owners, agents = await asyncio.gather(self._owners(awards), self._agents(awards))
        results: list[int | Exception] = [award.points for award in awards]
        held = [i for i, award in enumerate(awards) if owners.get(award.project_id) == award.user_id]
        for i in set(range(len(awards))) - set(held):
            results[i] = ContentNotFoundError(
                "The project no longer exists.", suggestion="Paste the link again to import it."
            )
        for i in (i for i in held if awards[i].user_id in agents):
            results[i] = 0
        held = [i for i in held if awards[i].user_id not in agents]
        if not held:
            return results
        failures = await refused(self._points.insert_many([entry(awards[i]) for i in held], ordered=False))
        entered_by = await self._entered_by([awards[held[position]] for position in failures])
        for position, failure in failures.items():
            award = awards[held[position]]
            if failure["code"] != DUPLICATE_KEY:
                results[held[position]] = WriteRefusedError(str(failure.get("errmsg", ""))[:200])
            elif entered_by.get(award.project_id) != award.import_id:
                results[held[position]] = 0
        return results

    async def _owners(self, awards: Sequence[PointsAwarded]) -> dict[UUID, str]:
        found = self._projects.find({"_id": {"$in": [award.project_id for award in awards]}}, {"user_id": 1})
        return {project["_id"]: project["user_id"] async for project in found}

    async def _agents(self, awards: Sequence[PointsAwarded]) -> set[str]:
        users = list({award.user_id for award in awards})
        found = self._users.find({"_id": {"$in": users}, "kind": "agent"}, {"_id": 1})
        return {str(user["_id"]) async for user in found}

    async def _entered_by(self, awards: Sequence[PointsAwarded]) -> dict[UUID, UUID]:
        if not awards:
            return {}
        found = self._points.find({"_id": {"$in": [entry_id(award) for award in awards]}})
        return {one["project_id"]: one["import_id"] async for one in found}


def entry_id(award: PointsAwarded) -> UUID:
    return uuid5(award.project_id, award.reason)


def entry(award: PointsAwarded) -> Document:
    return {
        "_id": entry_id(award),
        "user_id": award.user_id,
        "project_id": award.project_id,
        "import_id": award.import_id,
        "points": award.points,
        "reason": award.reason,
        "awarded_at": datetime.now(UTC),
    }
