"""Publishes many messages side by side, so that none waits for another.

A message that Kafka does not take, because its partition has no leader, say, occupies its own place for a few seconds.
A round goes on with the others, and the message is tried again after a pause that grows.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from pymongo.errors import PyMongoError

from kit.microbatch import MicroBatcher

log = structlog.get_logger()

TIMEOUT = 5.0  # seconds for one publication; far below any claim
GRACE = 1.0  # seconds that a round waits for its messages
MIN_PAUSE, MAX_PAUSE = timedelta(seconds=1), timedelta(seconds=30)

T = TypeVar("T")
Message = TypeVar("Message", bound=Mapping[str, Any])
Publish = Callable[[Message], Awaitable[None]]
Note = Callable[[list[Message]], Awaitable[None]]
PutOff = Callable[[list[tuple[Message, datetime]]], Awaitable[None]]


class Sending(Generic[Message]):
    """Publishes messages and records the outcome: `sent` for those that Kafka has, `put_off` with the time of the next
    try for the others; both get many at once. Neither has to be durable before the next round, as a claimed message
    comes back when its claim runs out.

    A message's `relay_tries` counts how often it was put off; `most` bounds how many are under way at a time.
    """

    def __init__(
        self,
        publish: Publish[Message],
        sent: Note[Message],
        put_off: PutOff[Message],
        *,
        most: int,
        grace: float = GRACE,
    ) -> None:
        self._publish = publish
        self._most = most
        self._grace = grace
        self._sent: MicroBatcher[Message, None] = MicroBatcher(_many(sent))
        self._put_off: MicroBatcher[tuple[Message, datetime], None] = MicroBatcher(_many(put_off))
        self._under_way: dict[object, asyncio.Task[bool]] = {}

    @property
    def room(self) -> int:
        return self._most - len(self._under_way)

    async def __call__(self, messages: Sequence[Message]) -> int:
        """Publish these messages, without those under way. Returns how many Kafka took within the grace; the others go
        on in the background."""
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

    async def _send(self, message: Message) -> bool:
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
    """Return the pause before the next try: doubled each time, with jitter between half of it and all."""
    longest = min(MAX_PAUSE, MIN_PAUSE * 2 ** min(tries, 10))
    return timedelta(seconds=longest.total_seconds() * random.uniform(0.5, 1))  # noqa: S311 (not a secret)


def _many(note: Callable[[list[T]], Awaitable[None]]) -> Callable[[list[T]], Awaitable[list[Exception | None]]]:
    async def flush(items: list[T]) -> list[Exception | None]:
        await note(items)
        return [None] * len(items)

    return flush
