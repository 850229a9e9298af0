"""Partitions are taken up where the last owner left them, as its commit tells."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from kit.kafka import metrics, offsets
from kit.kafka.offsets import Log, Place, Why
from kit.kafka.partition import Partition
from kit.kafka.progress import Progress

log = structlog.get_logger()


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """Pass on what the consumer group assigns and takes away."""

    def __init__(
        self,
        assigned: Callable[[Collection[TopicPartition]], Awaitable[None]],
        revoked: Callable[[Collection[TopicPartition]], Awaitable[None]],
    ) -> None:
        self._assigned = assigned
        self._revoked = revoked

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        await self._revoked(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        await self._assigned(assigned)


class Groups(Protocol):
    """Remembers outside Kafka which partitions a group has read, so that a group that lost its offsets is not taken
    for a new one. May raise: then that is not known."""

    async def has_read(self, group: str, tps: Collection[TopicPartition]) -> Collection[TopicPartition]:
        """Those of these partitions that it was asked about for this group before."""
        ...


class Takeover:
    def __init__(self, group: str, groups: Groups | None, *, patience: float, max_uncommitted: int) -> None:
        """`patience` in seconds: no heartbeat is sent meanwhile."""
        self._group = group
        self._groups = groups
        self._patience = patience
        self._max_uncommitted = max_uncommitted
        self._introduced: set[TopicPartition] = set()

    async def take_up(self, consumer: AIOKafkaConsumer, tps: Collection[TopicPartition]) -> list[Partition]:
        try:
            async with asyncio.timeout(self._patience / 2):
                known = await offsets.stored(consumer, tps)
        except (KafkaError, TimeoutError) as error:
            log.warning("committed progress could not be read", group=self._group, error_class=type(error).__name__)
            return [Partition(tp) for tp in tps]
        logs = await offsets.logs(consumer, tps, self._patience / 8)
        before = await self._read_before(tps, known, logs)
        return [await self._one(consumer, tp, known.get(tp), logs.get(tp), tp in before) for tp in tps]

    async def relocate(self, consumer: AIOKafkaConsumer, part: Partition) -> Partition | None:
        """Kafka has nothing at the partition's position: go on where there is something.

        Returns the partition to go on with, which is another one if the log is; None if Kafka could not tell.
        """
        at = (await offsets.logs(consumer, [part.tp])).get(part.tp)
        if at is None:
            return None
        position = part.tracker.position
        here = None if position is None else OffsetAndMetadata(position, "")
        found = await offsets.place(consumer, part.tp, here, at)
        if found.moved is Why.BEYOND_END:
            found = Place(await offsets.after(consumer, part.tp, part.seen_until, at), Progress(), found.moved)
        self._tell(part.tp, here, found, at, lost=True)
        consumer.seek(part.tp, found.offset)
        # What was handed out of a log that goes on is still good, whatever its retention has deleted meanwhile.
        return Partition(part.tp, found.offset) if found.moved is Why.BEYOND_END else part

    async def _one(
        self,
        consumer: AIOKafkaConsumer,
        tp: TopicPartition,
        known: OffsetAndMetadata | None,
        at: Log | None,
        lost: bool,
    ) -> Partition:
        if at is None and known is None:
            return Partition(tp)
        try:
            found = await offsets.place(consumer, tp, known, at or Log(0, known.offset if known else 0))
        except (KafkaError, TimeoutError):
            return Partition(tp)  # the first poll finds out
        if at is not None and found.moved:
            self._tell(tp, known, found, at, lost)
            with suppress(IllegalStateError):  # taken away again already
                consumer.seek(tp, found.offset)
        if found.progress.closed:
            return Partition(tp, found.offset, found.progress)
        log.warning("last owner of the partition died", group=self._group, **_where(tp), offset=found.offset)
        metrics.OWNERS_LOST.labels(self._group, tp.topic).inc()
        until = found.offset + self._max_uncommitted
        return Partition(tp, found.offset, found.progress, min(until, at.end) if at else until)

    async def _read_before(
        self,
        tps: Collection[TopicPartition],
        known: Mapping[TopicPartition, OffsetAndMetadata],
        logs: Mapping[TopicPartition, Log],
    ) -> Collection[TopicPartition]:
        """Those that the group had read before and has no offset of; each is asked about once by a process."""
        missing = {tp for tp in tps if tp not in known and tp in logs and logs[tp].end > logs[tp].start}
        new = {*tps} - self._introduced
        if self._groups is None or not new:
            return missing & self._introduced
        try:
            async with asyncio.timeout(self._patience / 4):
                before = {*await self._groups.has_read(self._group, new)}
        except Exception as error:  # whatever remembers is away: rather an alarm too many
            log.warning(
                "the consumer group's history could not be read", group=self._group, error_class=type(error).__name__
            )
            return missing
        self._introduced |= new
        return missing & (before | ({*tps} - new))

    def _tell(self, tp: TopicPartition, known: OffsetAndMetadata | None, found: Place, at: Log, lost: bool) -> None:
        if found.moved is None or (found.moved is Why.NO_OFFSET and (at.start == at.end or not lost)):
            return  # a new group, or nothing to have an offset in
        metrics.OFFSETS_MOVED.labels(self._group, tp.topic, found.moved).inc()
        log.error(
            "offset moved",
            group=self._group,
            **_where(tp),
            why=found.moved,
            committed=known.offset if known else None,
            log_start=at.start,
            log_end=at.end,
            goes_on_at=found.offset,
        )


def _where(tp: TopicPartition) -> dict[str, str | int]:
    return {"topic": tp.topic, "partition": tp.partition}
