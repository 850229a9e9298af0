"""What upstreams push: a reason to sync the sources that it is about, now and not at their time.

A push carries nothing into a project, so one that is forged, lost or repeated does no more harm than an early or a
late sync.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated

from kit.clock import Clock, utc_now
from kit.mongo import Database, Document, to_millis
from records import pushes
from records.sources.record import Reason, SourceState, followed, request_sync
from services.gateway.web.provided import provided

REMEMBERED = timedelta(days=10)  # deliveries; GitHub repeats those of the last three days on request
PAUSE = timedelta(minutes=1)  # between syncs of a source that are pushed


class Pushes:
    def __init__(self, db: Database, *, now: Clock = utc_now) -> None:
        self._db = db
        self._now = now

    @asynccontextmanager
    async def once(self, *names: str) -> AsyncIterator[list[str]]:
        """Remember these names, unless the block fails. Give those of them that were not remembered before."""
        new = [name for name in dict.fromkeys(names) if await pushes.remember(self._db, name, self._now() + REMEMBERED)]
        try:
            yield new
        except Exception:
            await pushes.forget(self._db, new)
            raise

    async def request_sync(self, platform: str, links: Sequence[str]) -> bool:
        """Make due what is followed under these links; whether anybody follows them.

        However much is pushed, there is a pause between syncs, and one sync after it. What fails keeps its pauses,
        what waits for an upstream's limit waits, and a sync that a member waits for stays one.
        """
        now = to_millis(self._now())
        which = followed(platform, links)
        patient = {"$nor": [{"state": SourceState.FAILING}, {"next_reason": Reason.LIMIT}]}
        asked = {"next_reason": {"$in": [Reason.NEW, Reason.REQUESTED]}, **_not_begun(now)}
        await request_sync(self._db, {"$and": [which, patient, asked]}, Reason.REQUESTED, now, pushed_at=now)
        for waiting, due_at in (_rested(now), now), (_tired(now), now + PAUSE):
            due = {"$and": [which, patient, waiting], "$nor": [asked]}
            await request_sync(self._db, due, Reason.PUSH, due_at, pushed_at=due_at, updated_at=now)
        return await self._db.sources.find_one(which, {"_id": 1}) is not None


def _rested(now: datetime) -> Document:
    """A filter: no sync was pushed of late, or the one that was has not begun."""
    return {"$or": [{"pushed_at": {"$not": {"$gt": now - PAUSE}}}, _not_begun(now)]}


def _tired(now: datetime) -> Document:
    """A filter: a sync was pushed of late, and no other is to come after the pause."""
    to_come = {"next_reason": Reason.PUSH, "next_sync_at": {"$gt": now}}
    return {"pushed_at": {"$gt": now - PAUSE}, "$nor": [to_come, _not_begun(now)]}


def _not_begun(now: datetime) -> Document:
    return {"next_sync_at": {"$lte": now}, "$expr": {"$eq": ["$emit_at", "$next_sync_at"]}}


PushesDep = Annotated[Pushes, provided(Pushes)]
