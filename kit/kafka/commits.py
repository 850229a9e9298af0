"""Commits of one subscriber, one at a time."""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from kit.kafka import metrics, offsets
from kit.kafka.partition import Partition
from kit.kafka.slots import Abandoned

log = structlog.get_logger()

COMMIT_TIMEOUT = 2.0  # seconds; the next round tries again
TRY_PAUSE = 0.2  # seconds between tries where somebody waits for it


class Commits:
    def __init__(self, group: str, consumer: Callable[[], AIOKafkaConsumer | None]) -> None:
        self._group = group
        self._consumer = consumer
        self._lock = asyncio.Lock()

    async def commit(self, parts: Iterable[Partition], within: float = COMMIT_TIMEOUT) -> bool:
        """What has changed of these; False if Kafka did not take it."""
        async with self._lock:
            due = [(part, state, part.marks) for part in parts if (state := part.commitable())]
            consumer = self._consumer()
            if not due or consumer is None:
                return True
            try:
                async with asyncio.timeout(within):
                    await offsets.commit(consumer, {part.tp: state for part, state, _ in due})
            except (KafkaError, TimeoutError) as error:
                metrics.COMMIT_FAILURES.labels(self._group).inc()
                log.warning("offset commit failed", group=self._group, error_class=type(error).__name__)
                return False
            for part, state, marks in due:
                part.committed, part.marks_committed = state, marks
            return True

    async def mark(self, part: Partition) -> None:
        """Return when what is known of the partition's suspects now is durable. Raises `Abandoned`."""
        part.marks += 1
        mark = part.marks
        while part.marks_committed < mark:
            if part.gone.is_set():
                raise Abandoned
            if await self.commit([part]):
                part.marks_committed = max(part.marks_committed, mark)
            else:
                await asyncio.sleep(TRY_PAUSE)
