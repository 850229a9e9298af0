"""The storage of `limits` on our own MongoDB: one moving window per key, shared by all gateways.

The library's asynchronous MongoDB storage wants Motor, which is no longer maintained (docs/adr/0003).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from limits.aio.storage import MovingWindowSupport, Storage
from pymongo import UpdateOne, WriteConcern
from pymongo.errors import PyMongoError

from kit.microbatch import MicroBatcher
from kit.mongo import DUPLICATE_KEY, Collection, Database, Document, WriteRefusedError, refused


@dataclass(frozen=True, slots=True)
class _Entry:
    """So many for this key, where it has room."""

    key: str
    limit: int
    expiry: int
    amount: int

    def write(self, now: float) -> UpdateOne:
        """Finds no window where this one is full, and then fails to make a second one of its key."""
        room = {"_id": self.key, f"entries.{self.limit - self.amount}": {"$not": {"$gt": now - self.expiry}}}
        entered = {
            # sorted, since the clocks of two gateways differ
            "$push": {"entries": {"$each": [now] * self.amount, "$sort": -1, "$slice": self.limit}},
            "$set": {"expires_at": datetime.fromtimestamp(now + self.expiry, UTC)},
        }
        return UpdateOne(room, entered, upsert=True)


class MovingWindows(Storage, MovingWindowSupport):
    """`limits` {_id: key, entries: epoch seconds, newest first, expires_at}. Keeps moving windows, and nothing else.

    What arrives together is counted together, in one round trip. A failover may forget the last few entries, which
    costs nobody anything: so one node's word is enough.
    """

    STORAGE_SCHEME = None  # made from a database, never from a URI

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._windows: Collection = db["limits"].with_options(write_concern=WriteConcern(w=1))
        self._clock = clock
        self._enter: MicroBatcher[_Entry, bool] = MicroBatcher(self._enter_many)
        self._read: MicroBatcher[str, list[float]] = MicroBatcher(self._read_many)

    @property
    def base_exceptions(self) -> type[Exception]:
        return PyMongoError

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Atomic: True when `amount` more fit into the last `expiry` seconds, and are entered."""
        if amount > limit:
            return False
        while not await self._enter(_Entry(key, limit, expiry, amount)):
            # Full; or somebody made this window at the same moment, in which there may be room.
            if (await self.get_moving_window(key, limit, expiry))[1] + amount > limit:
                return False
        return True

    async def _enter_many(self, entries: list[_Entry]) -> list[bool | Exception]:
        now = self._clock()
        failures = await refused(self._windows.bulk_write([entry.write(now) for entry in entries], ordered=False))
        return [_entered(failures.get(i)) for i in range(len(entries))]

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the entry was made whose end makes room for the next one, and how many entries count."""
        now = self._clock()
        counting = [at for at in (await self._read(key))[:limit] if at > now - expiry]
        return (counting[-1] if counting else now), len(counting)

    async def _read_many(self, keys: list[str]) -> list[list[float] | Exception]:
        found = self._windows.find({"_id": {"$in": keys}}, {"entries": 1})
        entries = {window["_id"]: window["entries"] async for window in found}
        return [entries.get(key, []) for key in keys]

    async def give_back(self, key: str) -> None:
        """Take the newest entry out again."""
        await self._windows.update_one({"_id": key}, {"$pop": {"entries": -1}})

    async def clear(self, key: str) -> None:
        await self._windows.delete_one({"_id": key})

    async def reset(self) -> int | None:
        return (await self._windows.delete_many({})).deleted_count

    async def check(self) -> bool:
        await self._windows.database.command("ping")
        return True

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("no fixed windows")

    async def get(self, key: str) -> int:
        raise NotImplementedError("no fixed windows")

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError("no fixed windows")


def _entered(failure: Document | None) -> bool | Exception:
    if failure is None or failure["code"] == DUPLICATE_KEY:
        return failure is None
    return WriteRefusedError(str(failure.get("errmsg", "not written"))[:200])
