"""The storage of `limits` on our own MongoDB: one moving window per key, shared by all gateways.

The library's asynchronous MongoDB storage wants Motor, which is no longer maintained (docs/adr/0003).
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from limits.aio.storage import MovingWindowSupport, Storage
from pymongo import WriteConcern
from pymongo.errors import DuplicateKeyError, PyMongoError

from kit.mongo import Collection, Database


class Windows(Storage, MovingWindowSupport):
    """`limits` {_id: key, entries: epoch seconds, newest first, expires_at}. Keeps moving windows, and nothing else.

    A failover may forget the last few entries, which costs nobody anything: so one node's word is enough.
    """

    STORAGE_SCHEME = None  # made from a database, never from a URI

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._windows: Collection = db["limits"].with_options(write_concern=WriteConcern(w=1))
        self._clock = clock

    @property
    def base_exceptions(self) -> type[Exception]:
        return PyMongoError

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Atomic: True when `amount` more fit into the last `expiry` seconds, and are entered."""
        if amount > limit:
            return False
        now = self._clock()
        room = {"_id": key, f"entries.{limit - amount}": {"$not": {"$gt": now - expiry}}}
        entered = {
            "$push": {"entries": {"$each": [now] * amount, "$position": 0, "$slice": limit}},
            "$set": {"expires_at": datetime.fromtimestamp(now + expiry, UTC)},
        }
        try:
            await self._windows.update_one(room, entered, upsert=True)
        except DuplicateKeyError:  # the window is there, and full
            return False
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the entry was made whose end makes room for the next one, and how many entries count."""
        now = self._clock()
        window = await self._windows.find_one({"_id": key}, {"entries": {"$slice": limit}}) or {"entries": ()}
        counting = [at for at in window["entries"] if at > now - expiry]
        return (counting[-1] if counting else now), len(counting)

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
