"""Imports projects again whose analysis is degraded because the model failed, when the model is likely to be back.

The import has the priority of a sync, and the relay publishes it. It refreshes the project like any other import, so
the owner's edits stay and no points are awarded. A number of projects an hour, over all schedulers; for each project
the pauses grow, and after some tries it is left as it is.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from prometheus_client import Counter

from kit.clock import Clock, utc_now
from kit.mongo import Database
from records import imports, reanalysis
from records.imports import SYNC, pending
from records.leases import take_turn
from records.projects import ProjectRecord
from schemas.events import Options

log = structlog.get_logger()

ASKED = Counter("thrive_reanalyses", "Projects that were imported once more because the model had failed for them")

TRIES = 6
LONGEST = timedelta(days=1)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # after the last try
LOOK_EVERY = timedelta(seconds=30)


def next_due(tries: int, now: datetime, after: timedelta) -> datetime:
    """Return when to try again after this many tries."""
    return now + min(after * 4**tries, LONGEST) if tries < TRIES else NEVER


class Reanalysis:
    """`per_hour` of all projects together, 0 for none; `after` is how long the model is given to come back."""

    def __init__(
        self,
        db: Database,
        *,
        per_hour: int,
        after: timedelta,
        now: Clock = utc_now,
    ) -> None:
        self._db = db
        self._after = after
        self._spacing = timedelta(hours=1) / per_hour if per_hour else None
        self._now = now
        self._look_at: datetime | None = None

    async def tick(self) -> bool:
        """One round; whether a project was found. Raises what MongoDB raises: the next round tries again."""
        now = self._now()
        if self._spacing is None or (self._look_at and now < self._look_at):
            return False
        if not await reanalysis.any_due(self._db, now, self._after):
            self._look_at = now + min(LOOK_EVERY, max(self._spacing, self._after))
            return False
        self._look_at = now + self._spacing
        # One project in each spacing, over all schedulers.
        if not await take_turn(self._db, "reanalysis", now, self._spacing):
            return False
        project = await reanalysis.claim(self._db, now, self._after, lambda tries: next_due(tries, now, self._after))
        if project is None:
            return False
        await self._ask(project, now)
        return True

    async def _ask(self, project: ProjectRecord, now: datetime) -> None:
        record = pending(
            task_id=uuid4(),
            user_id=project["user_id"],
            url=project["url"],
            integration=project["platform"] or "",
            options=Options(is_showcase=project["is_showcase"], is_private=project["is_private"]),
            released=True,
            now=now,
            priority=SYNC,
        )
        if await imports.insert(self._db, record):  # else its owner is importing it right now
            ASKED.inc()
            log.info("asked for a new analysis", task_id=str(record["_id"]))
