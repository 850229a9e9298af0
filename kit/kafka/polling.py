"""From polls to records, none of them skipped.

A poll of several partitions moves each one's position as it takes its records, and when a later partition fails it
hands over none of them: aiokafka forgets what it had in hand. So after a failed poll every partition goes back to
what was delivered, and for a while each is polled by itself, where a failure touches no other.

A partition that then fails again and again at one offset, because what lies there decodes to no record, is moved past
it with an `Undecodable` in the record's place, which is parked like any poison. Where the log has no such offset any
more, the subscriber finds a new place, and the others are polled meanwhile. Whatever else fails is tried for ever.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from kit.kafka import metrics
from kit.kafka.events import Undecodable, is_undecodable
from kit.kafka.partition import Partition, Record

log = structlog.get_logger()

NO_PARTITION = TopicPartition("", 0)  # polling it keeps us in the group and returns nothing
TRIES = 3  # fetches of its own that an offset gets before it is given up
TRY_PAUSE = 0.1  # seconds between them
CAREFUL = 10.0  # seconds without a failure after which partitions are polled together again
CAREFUL_MS = 20  # a round of single polls that brought nothing waits so long
POSITION_TIMEOUT = 2.0  # seconds; the next poll tries again

Deliver = Callable[[AIOKafkaConsumer, TopicPartition, list[Record]], None]
Relocate = Callable[[AIOKafkaConsumer, TopicPartition], Awaitable[bool]]  # whether a place was found


@dataclass
class PartitionFault:
    """A partition that failed by itself: it is read record by record until it has been well for a while."""

    offset: int  # where it stands
    tries: int  # how often that could not be decoded
    again_at: float


class Poller:
    """`parts` is the subscriber's own; `deliver` takes records before anything else can happen."""

    def __init__(
        self, group: str, parts: Mapping[TopicPartition, Partition], deliver: Deliver, relocate: Relocate
    ) -> None:
        self._group = group
        self._parts = parts
        self._deliver = deliver
        self._relocate = relocate
        self._homeless: set[TopicPartition] = set()  # the log has nothing at their positions
        self._adrift: set[TopicPartition] = set()  # their positions may be ahead of what was delivered
        self._careful_until = 0.0
        self._faults: dict[TopicPartition, PartitionFault] = {}

    @property
    def well(self) -> bool:
        """Whether every partition could be polled when it was last tried."""
        return not self._adrift and not any(fault.again_at for tp, fault in self._faults.items() if tp in self._parts)

    async def poll(
        self, consumer: AIOKafkaConsumer, tps: list[TopicPartition], *, wait_ms: int, max_records: int
    ) -> None:
        """Deliver up to `max_records`, waiting for the first. Raises ConsumerStoppedError, and what prevents that
        positions are set right; nothing is delivered until they are."""
        await self._take_back(consumer)
        await self._find_places(consumer)
        if not (tps := [tp for tp in tps if tp not in self._homeless]):
            await consumer.getmany(NO_PARTITION, timeout_ms=wait_ms)
            return
        if time.monotonic() < self._careful_until:
            await self._one_by_one(consumer, tps, max_records)
            return
        self._faults.clear()
        try:
            found = await consumer.getmany(*tps, timeout_ms=wait_ms, max_records=max_records)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            self._adrift.update(tps)
            if not self._is_homeless(error):
                self._note(error)
            await self._take_back(consumer)
            return
        for tp, records in found.items():
            self._deliver(consumer, tp, records)

    async def _take_back(self, consumer: AIOKafkaConsumer) -> None:
        for tp in list(self._adrift):
            with suppress(IllegalStateError):  # no longer ours
                await self._rewind(consumer, tp)
            self._adrift.discard(tp)

    async def _find_places(self, consumer: AIOKafkaConsumer) -> None:
        for tp in list(self._homeless):
            with suppress(KafkaError, TimeoutError):  # the next poll tries again
                if tp not in self._parts or await self._relocate(consumer, tp):
                    self._homeless.discard(tp)

    def _is_homeless(self, error: Exception) -> bool:
        """Takes note of the partitions, if that is what the error tells."""
        match error:
            case OffsetOutOfRangeError(args=(dict() as positions,)):
                self._homeless.update(positions)
            case NoOffsetForPartitionError(args=(TopicPartition() as tp,)):
                self._homeless.add(tp)
            case _:
                return False
        return True

    async def _rewind(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> None:
        part = self._parts.get(tp)
        if part is not None and part.tracker.position is not None:
            consumer.seek(tp, part.tracker.position)
            return
        # Nothing of it was delivered, so nothing of it was committed since it was assigned.
        async with asyncio.timeout(POSITION_TIMEOUT):
            stored = await consumer.committed(tp)
            if stored is None:
                await consumer.seek_to_beginning(tp)
            else:
                consumer.seek(tp, stored)

    async def _one_by_one(self, consumer: AIOKafkaConsumer, tps: list[TopicPartition], max_records: int) -> None:
        came = False
        for tp in tps:
            fault = self._faults.get(tp)
            if fault and time.monotonic() < fault.again_at:
                continue
            try:
                found = await consumer.getmany(tp, timeout_ms=0, max_records=1 if fault else max_records)
            except ConsumerStoppedError:
                raise
            except Exception as error:
                if self._is_homeless(error):
                    continue
                self._note(error, tp)
                with suppress(IllegalStateError):
                    await self._failed(consumer, tp, error)
                continue
            for records in found.values():
                came = True
                if fault:
                    fault.again_at = 0.0
                self._deliver(consumer, tp, records)
        if not came:
            await consumer.getmany(NO_PARTITION, timeout_ms=CAREFUL_MS)

    async def _failed(self, consumer: AIOKafkaConsumer, tp: TopicPartition, error: Exception) -> None:
        async with asyncio.timeout(POSITION_TIMEOUT):
            offset = await consumer.position(tp)
        fault = self._faults.get(tp)
        tries = (fault.tries if fault and fault.offset == offset else 0) + is_undecodable(error)
        if tries < TRIES:
            self._faults[tp] = PartitionFault(offset, tries, time.monotonic() + TRY_PAUSE)
            return
        self._faults[tp] = PartitionFault(offset + 1, 0, 0.0)
        self._deliver(consumer, tp, [Undecodable.at(tp, offset)])
        if tp in self._parts:
            consumer.seek(tp, offset + 1)

    def _note(self, error: Exception, tp: TopicPartition | None = None) -> None:
        self._careful_until = time.monotonic() + CAREFUL
        metrics.POLL_FAILURES.labels(self._group).inc()
        where = {} if tp is None else {"topic": tp.topic, "partition": tp.partition}
        log.error("poll failed", group=self._group, error_class=type(error).__name__, **where)
