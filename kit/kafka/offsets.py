"""What Kafka knows of a group's offsets and of the logs, and where in a log to go on.

aiokafka would begin again at the start of the log wherever an offset is missing or out of range; here the place is
chosen, and every choice but the ordinary one is told.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from kit.kafka.progress import Progress, decode

LIST_TIMEOUT = 2.0  # seconds for where a log begins or ends; a partition without a leader answers never


class Why(StrEnum):
    """Why a group does not go on where it had stopped."""

    BEYOND_END = "beyond_end"  # the log lost its last records, or was made anew
    BELOW_START = "below_start"  # the retention ended before the group came so far
    NO_OFFSET = "no_offset"  # it never was here, or its offsets are lost


@dataclass(frozen=True)
class Log:
    """The records of a partition: from `start` up to `end`, which is the next one's offset."""

    start: int
    end: int


@dataclass(frozen=True)
class Place:
    offset: int
    progress: Progress
    moved: Why | None = None


async def stored(
    consumer: AIOKafkaConsumer, tps: Collection[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """The group's commits. Raises KafkaError. The consumer's own `committed()` leaves the metadata out."""
    return dict(await consumer._coordinator.fetch_committed_offsets(list(tps)))


async def logs(
    consumer: AIOKafkaConsumer, tps: Collection[TopicPartition], wait: float = LIST_TIMEOUT
) -> dict[TopicPartition, Log]:
    """Those that can be told of within about twice as long."""
    starts, ends = await asyncio.gather(
        _listed(consumer.beginning_offsets, tps, wait), _listed(consumer.end_offsets, tps, wait)
    )
    return {tp: Log(starts[tp], end) for tp, end in ends.items() if tp in starts}


async def ends(consumer: AIOKafkaConsumer, tps: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    return await _listed(consumer.end_offsets, tps, LIST_TIMEOUT)


async def _listed(ask: Any, tps: Collection[TopicPartition], wait: float) -> dict[TopicPartition, int]:
    """Of all in one request, or of each by itself where one of them has no answer for the others."""
    if not tps:
        return {}
    try:
        return await _within(ask, tps, wait)
    except (KafkaError, TimeoutError):
        if len(tps) == 1:
            return {}
    found = await asyncio.gather(*(_within(ask, [tp], wait) for tp in tps), return_exceptions=True)
    return {tp: offset for each in found if isinstance(each, dict) for tp, offset in each.items()}


async def _within(ask: Any, tps: Iterable[TopicPartition], wait: float) -> dict[TopicPartition, int]:
    async with asyncio.timeout(wait):
        return dict(await ask(list(tps)))


async def place(consumer: AIOKafkaConsumer, tp: TopicPartition, known: OffsetAndMetadata | None, log: Log) -> Place:
    """Where the group goes on.

    Without an offset at the start, as nothing may be left out and nothing that is done twice does harm. Beyond the end
    at the first record that is younger than all that was read: there is none when the log has lost its last records,
    and all are when it was made anew. Raises KafkaError and TimeoutError.
    """
    if known is None:
        return Place(log.start, Progress(), Why.NO_OFFSET)
    progress = decode(known.offset, known.metadata)
    if known.offset > log.end:
        return Place(await after(consumer, tp, progress.seen_until, log), Progress(), Why.BEYOND_END)
    if known.offset < log.start:
        return Place(log.start, progress, Why.BELOW_START)
    return Place(known.offset, progress)


async def after(consumer: AIOKafkaConsumer, tp: TopicPartition, seen_until: int, log: Log) -> int:
    """The first record after that time (ms; 0: unknown), else the end."""
    if not seen_until or log.start == log.end:
        return log.end
    async with asyncio.timeout(LIST_TIMEOUT):
        found = (await consumer.offsets_for_times({tp: seen_until + 1}))[tp]
    return log.end if found is None else int(found.offset)


async def commit(consumer: AIOKafkaConsumer, states: Mapping[TopicPartition, tuple[int, str]]) -> None:
    """Once, in the present generation. Raises KafkaError.

    The consumer's own `commit` goes on trying behind the back of whoever has stopped waiting for it: the offsets of
    an old assignment may then be committed after a new owner's, and how it ended is asked by nobody.
    """
    assignment = consumer._subscription.subscription.assignment
    if assignment is None or not states.keys() <= assignment.tps:
        raise IllegalStateError("not assigned")
    coordinator: Any = consumer._coordinator
    await coordinator.ensure_coordinator_known()
    async with coordinator._commit_lock:
        await coordinator._do_commit_offsets(
            assignment, {tp: OffsetAndMetadata(offset, text) for tp, (offset, text) in states.items()}
        )
