"""Projects that were described without the model, because it failed, are described anew when it is likely to be back.

A project that is due is imported once more, by an import that nobody waits for and that the relay sends on its way: it
is refreshed like any other, so what its owner edited stays, and there is nothing to award. So many an hour, however
many schedulers run and however many projects wait; each with longer and longer pauses, and not for ever.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from prometheus_client import Counter
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from kit.clock import Clock, utc_now
from kit.mongo import Database, Document
from records.imports import SYNC, pending
from schemas.events import Options

log = structlog.get_logger()

ASKED = Counter("thrive_reanalyses", "Projects that were imported once more because the model had failed for them")

TRIES = 6
LONGEST = timedelta(days=1)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # after the last try
LOOK_EVERY = timedelta(seconds=30)


def due(now: datetime, after: timedelta) -> Document:
    """A filter: described without the model a while ago, or tried again long enough ago."""
    return {
        "analysis_degraded": True,
        "source_state": "there",
        "url": {"$exists": True},  # else it stands at none
        "$or": [
            {"reanalysis.due_at": None, "updated_at": {"$lte": now - after}},
            {"reanalysis.due_at": {"$lte": now}},
        ],
    }


def next_due(tries: int, now: datetime, after: timedelta) -> datetime:
    """When to try again after that many, this one included."""
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
        if not await self._db.projects.find_one(due(now, self._after), {"_id": 1}):
            self._look_at = now + min(LOOK_EVERY, max(self._spacing, self._after))
            return False
        self._look_at = now + self._spacing
        if not await self._my_turn(now, self._spacing) or (project := await self._claim(now)) is None:
            return False
        await self._ask(project, now)
        return True

    async def _my_turn(self, now: datetime, spacing: timedelta) -> bool:
        """One project in each `spacing`, whichever scheduler takes it."""
        try:
            await self._db.leases.update_one(
                {"_id": "reanalysis", "until": {"$lte": now}}, {"$set": {"until": now + spacing}}, upsert=True
            )
        except DuplicateKeyError:  # it is there, and not over
            return False
        return True

    async def _claim(self, now: datetime) -> Document | None:
        """The one that has waited longest. Its next time is stored before it is asked for: a crash costs a try."""
        order = [("reanalysis.due_at", 1), ("updated_at", 1)]
        which = due(now, self._after)
        project = await self._db.projects.find_one(which, {"reanalysis": 1}, sort=order)
        if project is None:
            return None
        tries = ((project.get("reanalysis") or {}).get("tries") or 0) + 1
        return await self._db.projects.find_one_and_update(
            {**which, "_id": project["_id"]},
            {"$set": {"reanalysis": {"tries": tries, "due_at": next_due(tries, now, self._after)}}},
            projection={"user_id": 1, "url": 1, "platform": 1, "is_showcase": 1, "is_private": 1},
            return_document=ReturnDocument.AFTER,
        )

    async def _ask(self, project: Document, now: datetime) -> None:
        record = pending(
            task_id=uuid4(),
            user_id=project["user_id"],
            url=project["url"],
            integration=project.get("platform") or "",
            options=Options(is_showcase=project["is_showcase"], is_private=project["is_private"]),
            released=True,
            now=now,
            priority=SYNC,
        )
        try:
            await self._db.imports.insert_one(record)
        except DuplicateKeyError:  # its owner is importing it right now
            return
        ASKED.inc()
        log.info("asked for a new analysis", task_id=str(record["_id"]))
