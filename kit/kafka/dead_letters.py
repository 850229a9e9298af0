"""The dead letters of a stage: the original bytes, key and headers, with where they came from and why in headers.

`park` writes one; `read`, `replay` serve the operators. A dead letter is never removed before its retention ends:
a replay leaves a note beside it, so that the same letter is not replayed twice by mistake.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from faststream.kafka import KafkaBroker

from kit.kafka.broker import consumer_options, producer_options
from kit.kafka.events import ATTEMPT, Undecodable, is_undecodable
from kit.kafka.producer import publish_raw
from kit.settings import KafkaSettings
from schemas.content import LATEST
from schemas.events import MAX_EVENT_BYTES
from schemas.journey import STAGES, dead_letters

PREFIX = "x-dead-letter-"
REPLAYED = PREFIX + "replayed-at"
REPLAYED_AT = "x-replayed-at"

# Every reason that a stage gives.
REASONS = frozenset({
    "bug", "kills_consumer", "not_json", "not_readable", "not_storable", "null_value", "too_large", "unknown_version",
    "wrong_schema",
})  # fmt: skip
HEADER_BYTES = 16  # what a header costs beside its name and value
KEPT_BYTES = 65_536  # of a record that is not kept whole
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_MILLIS = round((LATEST - EPOCH).total_seconds() * 1_000)

Headers = tuple[tuple[str, bytes], ...]
Origin = tuple[str, str, int, int]  # stage, topic, partition, offset


@dataclass(frozen=True)
class DeadLetter:
    """A parked record. `headers` are the original ones; the origin is where the stage read it."""

    stage: str
    reason: str
    error_class: str
    topic: str
    partition: int
    offset: int
    timestamp: datetime
    group: str
    attempts: int
    failed_at: datetime
    key: bytes | None
    value: bytes | None
    headers: Headers
    truncated: bool = False  # not kept whole: too large, and `value` is its beginning; or never read at all
    replayed_at: datetime | None = None

    @property
    def origin(self) -> Origin:
        return self.stage, self.topic, self.partition, self.offset


@dataclass(frozen=True)
class Replay:
    """The note that a letter was sent back."""

    origin: Origin
    at: datetime


async def park(
    broker: KafkaBroker,
    record: "ConsumerRecord[Any, Any]",
    *,
    stage: str,
    group: str,
    attempts: int,
    reason: str,
    error_class: str,
    whole: bool = True,
) -> None:
    """Durable on return. The error's text is left out: it may quote the record, or a secret.

    Of a record that came compressed and is larger than any event may be, only the beginning is kept, as with
    `whole=False`; the original stays in its topic until the retention ends.
    """
    value, headers = record.value, [(n, v) for n, v in record.headers if not n.startswith(PREFIX)]
    context: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "group": group,
        "stage": stage,
        "attempts": attempts,
        "reason": reason,
        "error-class": error_class,
        "failed-at": datetime.now(UTC).isoformat(),
    }
    size = len(value or b"") + len(record.key or b"")
    size += sum(len(n.encode()) + len(v or b"") + HEADER_BYTES for n, v in headers)
    if size > MAX_EVENT_BYTES or not whole or isinstance(record, Undecodable):
        context["truncated"] = size
        value, headers = value and value[:KEPT_BYTES], []
    headers += [(PREFIX + name, str(fact).encode()) for name, fact in context.items()]
    key = record.key[:KEPT_BYTES] if record.key else record.key
    await publish_raw(broker, dead_letters(stage), value=value, key=key, headers=headers)


async def read(
    settings: KafkaSettings,
    stages: Iterable[str] = STAGES,
    *,
    reason: str | None = None,
    at: tuple[str, int, int] | None = None,
    kept_bytes: int | None = None,
) -> list[DeadLetter]:
    """Everything parked by these stages, oldest first, each origin once; `replayed_at` tells of the last replay.

    With `at` only what they read there: topic, partition, offset.

    With `kept_bytes` only so many are kept of each value, for there may be many. Raises KafkaError where a stage's
    topic does not exist.
    """
    letters: dict[Origin, DeadLetter] = {}
    replays: dict[Origin, datetime] = {}
    async for entry in _entries(settings, stages):
        if isinstance(entry, Replay):
            replays[entry.origin] = max(replays.get(entry.origin, EPOCH), entry.at)
        elif reason in (None, entry.reason) and at in (None, entry.origin[1:]) and entry.origin not in letters:
            letters[entry.origin] = replace(entry, value=entry.value and entry.value[:kept_bytes])
    known = (replace(letter, replayed_at=replays.get(origin)) for origin, letter in letters.items())
    return sorted(known, key=lambda letter: letter.failed_at)


async def replay(
    settings: KafkaSettings, letters: Collection[DeadLetter], attempts: Mapping[Origin, int] = MappingProxyType({})
) -> int:
    """Publish each letter to the topic it came from: its value, key and headers, and when it was replayed. How many.

    `attempts` tells which attempt of its import a letter's replay belongs to, where that is not the first. The letters
    are read anew, one by one. Nothing doubles: the event's id is the old one, and every stage does an id once.
    Durable on return. Raises ValueError, and then nothing was published, if one of them was not kept whole.
    """
    if any(letter.truncated for letter in letters):
        raise ValueError("A record that was too large to be kept whole, or could not be read, cannot be replayed.")
    left = {letter.origin for letter in letters}
    async with AIOKafkaProducer(**producer_options(settings, "dead-letters")) as producer:
        async for letter in _entries(settings, {letter.stage for letter in letters}):
            if isinstance(letter, Replay) or letter.origin not in left:
                continue
            left.remove(letter.origin)
            now = datetime.now(UTC).isoformat().encode()
            headers = [*((n, v) for n, v in letter.headers if n not in (REPLAYED_AT, ATTEMPT)), (REPLAYED_AT, now)]
            if opened := attempts.get(letter.origin):
                headers.append((ATTEMPT, str(opened).encode()))
            key = b"" if letter.value is None and letter.key is None else letter.key
            await producer.send_and_wait(letter.topic, value=letter.value, key=key, headers=headers)
            origin = {"topic": letter.topic, "partition": letter.partition, "offset": letter.offset}
            note = [*((PREFIX + n, str(v).encode()) for n, v in origin.items()), (REPLAYED, now)]
            await producer.send_and_wait(dead_letters(letter.stage), value=b"", headers=note)
    return len(letters) - len(left)


async def _entries(settings: KafkaSettings, stages: Iterable[str]) -> AsyncIterator[DeadLetter | Replay]:
    """What the topics hold now, in their order."""
    topics = [dead_letters(stage) for stage in stages]
    if not topics:  # of which a consumer has no partitions to speak of
        return
    consumer = AIOKafkaConsumer(*topics, **consumer_options(settings, "dead-letters"), auto_offset_reset="earliest")
    try:
        await consumer.start()  # in no group, so every partition is ours
        for tp in consumer.assignment():
            async for record in _until_end(consumer, tp):
                with suppress(KeyError, ValueError, OverflowError):  # not ours: somebody else wrote to the topic
                    yield _entry(record)
    finally:
        await consumer.stop()


async def _until_end(consumer: AIOKafkaConsumer, tp: TopicPartition) -> AsyncIterator["ConsumerRecord[Any, Any]"]:
    """What the partition holds now, without what cannot be decoded."""
    end, position = (await consumer.end_offsets([tp]))[tp], await consumer.position(tp)
    at_once: int | None = None
    while position < end:
        try:
            found = await consumer.getmany(tp, timeout_ms=1_000, max_records=at_once)
        except Exception as error:
            if not is_undecodable(error):
                raise
            # A failed poll has moved on and hands over nothing: again, record by record, up to the one.
            position, at_once = (position, 1) if at_once is None else (position + 1, None)
            consumer.seek(tp, position)
            continue
        for record in found.get(tp, ()):
            if record.offset < end:
                yield record
        # By position, not by record: the last offsets of a log may be markers that nobody is given.
        position = await consumer.position(tp)


def _entry(record: "ConsumerRecord[Any, Any]") -> DeadLetter | Replay:
    """Raises KeyError, ValueError or OverflowError for what `park` and `replay` did not write."""
    context = {n.removeprefix(PREFIX): (v or b"").decode() for n, v in record.headers if n.startswith(PREFIX)}
    stage = record.topic.removesuffix(dead_letters(""))
    topic, partition, offset = context["topic"], int(context["partition"]), int(context["offset"])
    if at := context.get("replayed-at"):
        return Replay((stage, topic, partition, offset), _instant(at))
    return DeadLetter(
        stage=stage,
        reason=context["reason"],
        error_class=context["error-class"],
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=EPOCH + timedelta(milliseconds=min(max(int(context["timestamp"]), 0), MAX_MILLIS)),
        group=context["group"],
        attempts=int(context["attempts"]),
        failed_at=_instant(context["failed-at"]),
        key=record.key,
        value=record.value,
        headers=tuple((n, v) for n, v in record.headers if not n.startswith(PREFIX)),
        truncated="truncated" in context,
    )


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("a time without a zone")
    return instant.astimezone(UTC)
