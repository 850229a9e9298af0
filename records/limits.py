"""Count entries in moving windows (`limits`): one window for each key, shared by all gateways.

Entries that arrive together are written in one round trip. A failover may lose the last few, which only lets a member
start a few more, so the acknowledgement of one node is enough.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from pymongo import UpdateOne, WriteConcern

from kit.microbatch import MicroBatcher
from kit.mongo import DUPLICATE_KEY, Collection, Database, Document, refused, write_error


class WindowRecord(TypedDict):
    _id: str
    entries: list[float]  # epoch seconds, newest first
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    limit: int
    seconds: int

    def write(self, now: float) -> UpdateOne:
        """Add the entry. A full window is not found, and a second one of its key cannot be inserted."""
        room = {"_id": self.key, f"entries.{self.limit - 1}": {"$not": {"$gt": now - self.seconds}}}
        entered = {
            # sorted, since the clocks of two gateways differ
            "$push": {"entries": {"$each": [now], "$sort": -1, "$slice": self.limit}},
            "$set": {"expires_at": datetime.fromtimestamp(now + self.seconds, UTC)},
        }
        return UpdateOne(room, entered, upsert=True)


class MovingWindows:
    """`clock` gives epoch seconds."""

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._windows: Collection = db["limits"].with_options(write_concern=WriteConcern(w=1))
        self._clock = clock
        self._entries: MicroBatcher[_Entry, bool] = MicroBatcher(self._enter_many)
        self._reads: MicroBatcher[str, list[float]] = MicroBatcher(self._read_many)

    async def enter(self, key: str, limit: int, seconds: int) -> bool:
        """Add an entry, atomically, unless the last `seconds` have `limit` of them; return whether it was added."""
        while not await self._entries(_Entry(key, limit, seconds)):
            # The window is full; or another request inserted it at this moment, and it may have room.
            if (await self.count(key, limit, seconds))[0] >= limit:
                return False
        return True

    async def count(self, key: str, limit: int, seconds: int) -> tuple[int, float]:
        """Return how many entries the last `seconds` have, and the epoch second when the next of them expires."""
        now = self._clock()
        counting = [at for at in (await self._reads(key))[:limit] if at > now - seconds]
        return len(counting), (counting[-1] if counting else now) + seconds

    async def take_back(self, key: str) -> None:
        """Remove the newest entry."""
        await self._windows.update_one({"_id": key}, {"$pop": {"entries": -1}})

    async def _enter_many(self, entries: list[_Entry]) -> list[bool | Exception]:
        now = self._clock()
        failures = await refused(self._windows.bulk_write([entry.write(now) for entry in entries], ordered=False))
        return [_entered(failures.get(i)) for i in range(len(entries))]

    async def _read_many(self, keys: list[str]) -> list[list[float] | Exception]:
        found = self._windows.find({"_id": {"$in": keys}}, {"entries": 1})
        entries = {window["_id"]: window["entries"] async for window in found}
        return [entries.get(key, []) for key in keys]


def _entered(failure: Document | None) -> bool | Exception:
    if failure is None or failure["code"] == DUPLICATE_KEY:
        return failure is None
    return write_error(failure)
