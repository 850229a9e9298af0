"""How many calls an account has under way at once, over all processes: each holds some of the account's slots.

The same collection as the ledger's. A process asks for as many as it needs; where others go without, for no more
than an equal part. A process that died loses its slots after a while.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from pymongo import ReturnDocument, WriteConcern
from pymongo.errors import DuplicateKeyError

from kit.budgets.bucket import Slots
from kit.budgets.ledger import HOLDER_DIES_AFTER, NEVER
from kit.mongo import Collection, Document

IDLE_AFTER = timedelta(seconds=3)
LOOK_AGAIN = timedelta(seconds=0.25)  # other processes release slots without telling us


class SlotPool:
    """One account's slots, as far as this process holds them."""

    def __init__(
        self, slots: Slots, account: str, collection: Collection, holder: str, clock: Callable[[], datetime]
    ) -> None:
        self._count = slots.count
        self._id = f"{slots.name}/{account}"
        self._budgets = collection.with_options(write_concern=WriteConcern(w=1, j=False))
        self._holder = holder
        self._clock = clock
        self._held = self._busy = self._peak = self._waiting = 0
        self._refused_at = NEVER  # when we last got fewer than we asked for
        self._used_at = clock()
        self._lock = asyncio.Lock()
        self._released = asyncio.Event()

    async def take(self) -> None:
        """Waits for a slot."""
        if self._busy >= self._held:
            self._waiting += 1
            try:
                await self._wait()
            finally:
                self._waiting -= 1
        self._busy += 1
        self._peak = max(self._peak, self._busy)
        self._used_at = self._clock()

    def release(self) -> None:
        self._busy -= 1
        self._released.set()

    def idle(self, now: datetime) -> bool:
        return self.empty and now - self._used_at >= IDLE_AFTER

    @property
    def empty(self) -> bool:
        return not self._busy and not self._waiting

    async def report(self, *, leave: bool = False) -> None:
        """Keeps as many slots as were needed since the last report; with `leave`, as are needed now."""
        async with self._lock:
            self._peak = self._busy if leave else self._peak
            await self._ask()

    async def _wait(self) -> None:
        while self._busy >= self._held:
            async with self._lock:
                if self._busy >= self._held and self._clock() - self._refused_at >= LOOK_AGAIN:
                    await self._ask()
            if self._busy >= self._held:
                self._released.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN.total_seconds()):
                        await self._released.wait()

    async def _ask(self) -> None:
        want = min(self._count, max(self._peak, self._busy + self._waiting))
        self._peak = self._busy
        # Only those in use are sure to stay ours while we wait for the answer; it says how many there are again.
        self._held = self._busy
        update = _update(self._holder, self._count, want, self._busy, self._clock())
        try:
            document = await self._exchange(update)
        except DuplicateKeyError:  # two processes opened it at the same time
            document = await self._exchange(update)
        self._held = int(document["mine"])
        self._refused_at = self._clock() if self._held < want else NEVER

    async def _exchange(self, update: list[Document]) -> Document:
        document = await self._budgets.find_one_and_update(
            {"_id": self._id}, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        return document or {}


def _update(holder: str, count: int, want: int, busy: int, now: datetime) -> list[Document]:
    """Slots that are free go to whoever asks; where others want more than they have, only up to an equal part."""
    alive = {"$and": [{"$ne": ["$$this.name", holder]}, {"$gt": ["$$this.at", now - HOLDER_DIES_AFTER]}]}
    hungry = {"$filter": {"input": "$holders", "cond": {"$gt": ["$$this.want", "$$this.held"]}}}
    equal = {"$max": [1, {"$floor": {"$divide": [count, {"$add": [{"$size": "$holders"}, 1]}]}}]}
    share = {"$cond": [{"$gt": [{"$size": hungry}, 0]}, equal, count]}
    room = {"$subtract": [count, {"$sum": "$holders.held"}]}
    mine = {"name": holder, "held": "$mine", "want": want, "at": now}
    return [
        {"$set": {"holders": {"$filter": {"input": {"$ifNull": ["$holders", []]}, "cond": alive}}}},
        {"$set": {"mine": {"$max": [busy, {"$min": [want, room, share]}]}}},
        {"$set": {"holders": {"$concatArrays": ["$holders", [mine]] if want else "$holders"}, "reset_at": now}},
    ]
