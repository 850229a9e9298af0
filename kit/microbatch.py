"""Many concurrent calls, one round trip: what arrives while a batch is written goes into the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from kit.mongo import is_outage
from kit.tasks import watch

T = TypeVar("T")
R = TypeVar("R")


class MicroBatcher(Generic[T, R]):
    """`await batcher(item)` gives the item's own result, or raises its own exception.

    `flush` gets 1 to `max_size` items and answers with one result or exception per item, in order. If it raises, each
    item of that batch is flushed alone, unless MongoDB is away: then all of them fail alike. At most one flush runs
    at a time, so nothing waits on a timer.
    """

    def __init__(self, flush: Callable[[list[T]], Awaitable[list[R | Exception]]], *, max_size: int = 200) -> None:
        self._flush = flush
        self._max_size = max_size
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
            watch(self._worker, "batch")
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._max_size], self._waiting[self._max_size :]
                await self._settle(batch)
        finally:
            self._worker = None

    async def _settle(self, batch: list[tuple[T, "asyncio.Future[R]"]]) -> None:
        try:
            results = await self._flush([item for item, _ in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"{len(results)} results for a batch of {len(batch)}")
        except Exception as error:
            if len(batch) > 1 and not is_outage(error):
                # One item may have spoiled it for all, one that cannot be encoded, say: each has its own try.
                for one in batch:
                    await self._settle([one])
                return
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():  # its caller was cancelled meanwhile
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
