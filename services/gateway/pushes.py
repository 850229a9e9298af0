"""What upstreams push: a reason to look at the sources that it is about, now and not at their time.

A push carries nothing into a project, so one that is forged, lost or repeated does no more harm than an early or a
late look.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from pymongo.errors import DuplicateKeyError

from kit.mongo import Database
from kit.sources import Reason, SourceState, followed, look_now

REMEMBERED = timedelta(days=10)  # deliveries; GitHub repeats those of the last three days on request
PAUSE = timedelta(minutes=1)  # between looks at a source that are pushed


class Pushes:
    def __init__(self, db: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._db = db
        self._now = now

    @asynccontextmanager
    async def once(self, *names: str) -> AsyncIterator[list[str]]:
        """Those of the names that were not remembered before. They are now, unless what is done meanwhile fails."""
        new = [name for name in dict.fromkeys(names) if await self._remember(name)]
        try:
            yield new
        except Exception:
            await self._db.pushes.delete_many({"_id": {"$in": new}})
            raise

    async def look(self, platform: str, links: Sequence[str]) -> bool:
        """Make due what is followed under these links; whether anybody follows them.

        What was looked at a moment ago comes once more after a pause, however much is pushed. What fails keeps its
        pauses, and what waits for an upstream's limit waits.
        """
        now = self._now()
        which = followed(platform, links)
        patient = {"$nor": [{"state": SourceState.FAILING}, {"next_reason": Reason.LIMIT}]}
        rested = {"last_checked_at": {"$not": {"$gt": now - PAUSE}}}
        await look_now(self._db, {**which, **patient, **rested}, Reason.PUSH, now)
        tired = {"last_checked_at": {"$gt": now - PAUSE}, "next_sync_at": {"$not": {"$lte": now + PAUSE}}}
        await look_now(self._db, {**which, **patient, **tired}, Reason.PUSH, now + PAUSE, updated_at=now)
        return await self._db.sources.find_one(which, {"_id": 1}) is not None

    async def _remember(self, name: str) -> bool:
        try:
            await self._db.pushes.insert_one({"_id": name, "expires_at": self._now() + REMEMBERED})
        except DuplicateKeyError:
            return False
        return True
