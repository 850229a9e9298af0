"""Run named duties, each in a loop of its own, so that none waits for another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

import structlog
from aiokafka.errors import KafkaError

from kit.mongo import is_outage

log = structlog.get_logger()

SILENCE = 60.0  # seconds without a tick, after which the process is not live

Tick = Callable[[], Awaitable[bool]]  # returns whether there is more to do at once


class Ticker:
    """Calls each tick again and again, with a `pause` in between. A tick that raises is logged and called again."""

    def __init__(self, ticks: Mapping[str, Tick], pause: timedelta) -> None:
        self._ticks = ticks
        self._pause = pause.total_seconds()
        self._heartbeats = dict.fromkeys(ticks, monotonic())
        self._stopping = False

    @property
    def is_live(self) -> bool:
        return monotonic() - min(self._heartbeats.values()) < SILENCE

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._loop(name)) for name in self._ticks]
        try:
            yield
        finally:
            self._stopping = True  # an error in a tick's own clean-up would hide the cancellation
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _loop(self, name: str) -> None:
        while not self._stopping:
            more = False
            try:
                more = await self._ticks[name]()
            except Exception as error:
                outage = is_outage(error) or isinstance(error, KafkaError | OSError)
                log.warning("scheduler task failed", of=name, error=type(error).__name__, exc_info=not outage)
            self._heartbeats[name] = monotonic()
            if not more:
                await asyncio.sleep(self._pause)
