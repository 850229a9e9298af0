"""Enters points into the ledger (`records.points`), many at a time."""

import asyncio

from kit.errors import ContentNotFoundError
from kit.microbatch import MicroBatcher
from kit.mongo import DUPLICATE_KEY, Database, write_error
from records import points, projects, users
from schemas.events import PointsAwarded


class Ledger:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._batched_enter: MicroBatcher[PointsAwarded, int] = MicroBatcher(self._enter_many)

    async def enter(self, award: PointsAwarded) -> int:
        """Enter the award, and return the points that its import earned, however often it asks: none where another
        import entered them before, and none for an agent.

        Raises ContentNotFoundError where the member has no such project.
        """
        return await self._batched_enter(award)

    async def _enter_many(self, awards: list[PointsAwarded]) -> list[int | Exception]:
        owners, agents = await asyncio.gather(
            projects.owners(self._db, [award.project_id for award in awards]),
            users.agents_among(self._db, {award.user_id for award in awards}),
        )
        results: list[int | Exception] = [award.points for award in awards]
        to_enter: list[int] = []  # positions
        for position, award in enumerate(awards):
            if owners.get(award.project_id) != award.user_id:
                results[position] = ContentNotFoundError(
                    "The project no longer exists.", suggestion="Paste the link again to import it."
                )
            elif award.user_id in agents:
                results[position] = 0
            else:
                to_enter.append(position)
        if not to_enter:
            return results
        failures = await points.insert_many(self._db, [awards[position] for position in to_enter])
        entered_by = await points.entered_by(self._db, [awards[to_enter[failed]] for failed in failures])
        for failed, failure in failures.items():
            award = awards[to_enter[failed]]
            if failure["code"] != DUPLICATE_KEY:
                results[to_enter[failed]] = write_error(failure)
            elif entered_by.get(award.project_id) != award.import_id:
                results[to_enter[failed]] = 0
        return results
