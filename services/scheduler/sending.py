"""Publishing many messages side by side, where none waits for another.

A message that Kafka does not take, because its partition has no leader, say, keeps its own place for a few seconds and
nobody waiting: a round goes on with the others, and it comes again by itself after a pause that grows.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from pymongo.errors import PyMongoError

from kit.backoff import backoff
from kit.microbatch import MicroBatcher
from kit.mongo import Document

log = structlog.get_logger()

TIMEOUT = 5.0  # seconds for one publication; far below any claim
GRACE = 1.0  # seconds that a round waits for its messages
MIN_PAUSE, MAX_PAUSE = timedelta(seconds=1), timedelta(seconds=30)

T = TypeVar("T")
Publish = Callable[[Document], Awaitable[None]]
Note = Callable[[list[Document]], Awaitable[None]]
PutOff = Callable[[list[tuple[Document, datetime]]], Awaitable[None]]


class Sending:
    """`sent` notes what Kafka has, `put_off` until when another is left alone; both get many at once. Neither need be
    durable before the next round, as whatever is claimed comes back when its claim runs out.

    A message's `relay_tries` tells how often it was put off; `most` bounds how many are on their way at a time.
    """

    def __init__(self, publish: Publish, sent: Note, put_off: PutOff, *, most: int, grace: float = GRACE) -> None:
        self._publish = publish
        self._most = most
        self._grace = grace
        self._sent: MicroBatcher[Document, None] = MicroBatcher(_many(sent))
        self._put_off: MicroBatcher[tuple[Document, datetime], None] = MicroBatcher(_many(put_off))
        self._under_way: dict[object, asyncio.Task[bool]] = {}

    @property
    def room(self) -> int:
        return self._most - len(self._under_way)

    async def __call__(self, messages: Sequence[Document]) -> int:
        """How many of these went out within the grace; the others go on meanwhile. What is under way is left out."""
        fresh = [message for message in messages if message["_id"] not in self._under_way]
        tasks = {asyncio.create_task(self._send(message)): message["_id"] for message in fresh}
        for task, message_id in tasks.items():
            self._under_way[message_id] = task
            task.add_done_callback(partial(self._over, message_id))
        if not tasks:
            return 0
        done, _ = await asyncio.wait(tasks, timeout=self._grace)
        return sum(task.result() for task in done)

    def _over(self, message_id: object, _task: "asyncio.Task[bool]") -> None:
        del self._under_way[message_id]

    async def close(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _send(self, message: Document) -> bool:
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._publish(message)
        except Exception as error:
            pause = pause_after(message.get("relay_tries", 0))
            log.warning(
                "relay could not publish a message", error=type(error).__name__, again_in=round(pause.total_seconds())
            )
            await self._note(self._put_off((message, datetime.now(UTC) + pause)))
            return False
        await self._note(self._sent(message))
        return True

    async def _note(self, noted: Awaitable[None]) -> None:
        try:
            await noted
        except PyMongoError as error:  # it comes again, and that is harmless
            log.warning("relay could not record what it published", error=type(error).__name__)


def pause_after(tries: int) -> timedelta:
    """Doubling, with jitter: between half of it and all."""
    longest = backoff(tries, MIN_PAUSE, MAX_PAUSE)
    return timedelta(seconds=longest.total_seconds() * random.uniform(0.5, 1))  # noqa: S311 (not a secret)


def _many(note: Callable[[list[T]], Awaitable[None]]) -> Callable[[list[T]], Awaitable[list[Exception | None]]]:
    async def flush(items: list[T]) -> list[Exception | None]:
        await note(items)
        return [None] * len(items)

    return flush
