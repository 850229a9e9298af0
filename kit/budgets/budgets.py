"""A process's way to the budgets: each attempt of a call pays before it is made."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from uuid import uuid4

import structlog
from pymongo.errors import PyMongoError

from kit.budgets.bucket import Bucket, Slots
from kit.budgets.ledger import Ledger
from kit.budgets.purse import Purse
from kit.budgets.slots import SlotPool
from kit.budgets.turned_away import TurnedAway
from kit.clock import Clock, utc_now
from kit.mongo import Collection

log = structlog.get_logger(__name__)

TICK = 1.0  # seconds between two looks at what is to be reported or returned


class Budgets:
    """One for each process, over the ledger that all share; `aclose` returns what is not spent.

    `clock` tells the time by which windows reset; it and `sleep` are there for tests.
    """

    def __init__(
        self,
        collection: Collection,
        *,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.now = clock
        self.sleep = sleep
        self.turned_away = TurnedAway()
        self._collection = collection
        self._holder = uuid4().hex
        self._ledger = Ledger(collection, self._holder)
        self._purses: dict[tuple[str, str, bool], Purse] = {}
        self._pools: dict[tuple[str, str], SlotPool] = {}
        self._wake = asyncio.Event()
        self._closing = False
        self._keeper: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        self._closing = True
        self._wake.set()
        if self._keeper:  # not cancelled: what it tells the ledger may be there already
            await self._keeper
        with suppress(PyMongoError):
            await self._report(leave=True)

    def purse(self, bucket: Bucket, account: str, *, interactive: bool) -> Purse:
        key = (bucket.name, account, interactive)
        if (purse := self._purses.get(key)) is None:
            purse = Purse(bucket, account, self._ledger, self.now, interactive=interactive)
            self._purses[key] = purse
            self._start()
        return purse

    def pool(self, slots: Slots, account: str) -> SlotPool:
        key = (slots.name, account)
        if (pool := self._pools.get(key)) is None:
            pool = self._pools[key] = SlotPool(slots, account, self._collection, self._holder, self.now)
            self._start()
        return pool

    def limit(self, bucket: Bucket, account: str, until: datetime) -> None:
        """The upstream turns an account away until then: nobody asks it before."""
        for interactive in (True, False):
            if purse := self._purses.get((bucket.name, account, interactive)):
                purse.limit(until)
        self._wake.set()

    def _start(self) -> None:
        self._keeper = self._keeper or asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while not self._closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._report()
            except PyMongoError as error:  # what is held stays; the next report tells all of it
                log.warning("budget ledger is down", reason=type(error).__name__)
            except Exception:  # of a bug, once; whoever reports must not end, for nobody else would
                log.exception("budgets not reported")

    async def _report(self, *, leave: bool = False) -> None:
        now = self.now()
        for key, purse in list(self._purses.items()):
            idle = leave or purse.idle(now)
            if idle or purse.due(now):
                await purse.report(leave=idle)
            if idle and purse.empty:
                del self._purses[key]
        for name, pool in list(self._pools.items()):
            idle = leave or pool.idle(now)
            await pool.report(leave=idle)
            if idle and pool.empty:
                del self._pools[name]
