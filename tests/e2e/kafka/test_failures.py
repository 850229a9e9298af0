"""Failing records on real Kafka: each ends where it belongs, once, and holds up nothing else."""

import asyncio
import random
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from structlog.testing import capture_logs

from kit.errors import ContentNotFoundError, RateLimitError
from kit.kafka import KeyedSubscriber, dead_letters, ensure_topics, keyed, make_broker
from kit.kafka.breaker import State
from kit.kafka.keyed import PARTITION_FETCH_BYTES
from kit.kafka.producer import Producer
from kit.settings import KeyedSettings
from schemas.events import MAX_EVENT_BYTES
from schemas.journey import Topic
from tests.e2e.kafka.rig import Rig, numbered, until
from tests.e2e.kafka.test_undecodable import BAD, spoil
from tests.unit.kafka.fakes import Away, Numbered, RecordingFailures

QUICK = KeyedSettings(
    concurrency=5,
    commit_interval=timedelta(seconds=0.1),
    retry_backoff=timedelta(seconds=0.01),
    breaker_cooldown=timedelta(seconds=0.2),
)


class Stage:
    """A stage in this process."""

    def __init__(
        self,
        rig: Rig,
        handler: Callable[[Numbered], Awaitable[Any]],
        settings: KeyedSettings,
        max_event_bytes: int | None = None,
        groups: Any = None,
    ) -> None:
        self.failures = RecordingFailures()
        self.calls: Counter[int] = Counter()
        self.done: list[int] = []
        self.broker = make_broker(rig.kafka, client_id="stage")
        self.subscriber: KeyedSubscriber = keyed(
            self.broker, rig.topic, group_id=rig.group, stage=rig.stage, settings=settings, failures=self.failures,
            events={rig.topic: Numbered}, max_event_bytes=max_event_bytes, groups=groups,
        )  # fmt: skip

        @self.subscriber
        @self.broker.publisher(rig.out, schema=Numbered)
        async def handle(event: Numbered) -> Numbered:
            self.calls[event.n] += 1
            await handler(event)
            self.done.append(event.n)
            return event


@asynccontextmanager
async def running(
    rig: Rig,
    handler: Callable[[Numbered], Awaitable[Any]],
    settings: KeyedSettings = QUICK,
    max_event_bytes: int | None = None,
    groups: Any = None,
) -> AsyncIterator[Stage]:
    stage = Stage(rig, handler, settings, max_event_bytes, groups)
    await stage.broker.start()
    try:
        yield stage
    finally:
        await stage.broker.stop()


async def fine(_event: Numbered) -> None:
    pass


def poison() -> dict[str, bytes | None]:
    good = Numbered.make(999).model_dump_json()
    return {
        "not_json": b"\x00not json",
        "wrong_schema": b'{"version": 1, "id": 7}',
        "null_value": None,
        "too_large": b"x" * (2 * 1024 * 1024),
        "unknown_version": good.replace('"version":1', '"version":2').encode(),
    }


async def test_poison_is_parked_once_with_its_context_and_blocks_nothing(rig: Rig) -> None:
    await rig.produce(numbered(30, keys=6))
    sent = poison()
    headers = (("ce_id", b"abc"), ("odd", b"\xff\xfe"))
    await rig.produce_raw([(b"key", value) for value in sent.values()], headers=headers)
    await rig.produce(Numbered.make(n, f"key{n % 6}") for n in range(31, 61))
    async with running(rig, fine) as stage:
        await rig.until_committed()
        assert sorted(stage.done) == list(range(1, 61))
        assert len(stage.failures.failed) == len(sent)
    letters = await dead_letters.read(rig.kafka, [rig.stage])
    assert {letter.reason: letter.value for letter in letters} == sent
    assert len(letters) == len(await rig.read(f"{rig.stage}.dead-letters")) == len(sent)
    for letter in letters:
        assert letter.key == b"key"
        assert set(headers) <= set(letter.headers)
        assert (letter.topic, letter.group, letter.stage, letter.attempts) == (rig.topic, rig.group, rig.stage, 1)
        assert letter.error_class == "Poison"


async def test_retry_defer_fail_and_park_each_do_what_they_say(rig: Rig) -> None:
    errors: dict[int, Exception] = {
        1: ConnectionError(),
        2: RateLimitError("wait"),
        3: ContentNotFoundError("gone"),
        4: LookupError("bug"),
    }

    async def handler(event: Numbered) -> None:
        if error := errors.get(event.n):
            raise error

    await rig.produce(numbered(20, keys=20))
    async with running(rig, handler) as stage:
        await rig.until_committed()
        assert {n: stage.calls[n] for n in errors} == {1: 1 + QUICK.max_retries, 2: 1, 3: 1, 4: 1}
        assert {type(error) for _, error in stage.failures.deferred} == {ConnectionError, RateLimitError}
        assert {type(error).__name__ for _, error in stage.failures.failed} == {"ContentNotFoundError", "InternalError"}
        assert sorted(stage.done) == list(range(5, 21))
    (letter,) = await dead_letters.read(rig.kafka, [rig.stage])
    assert (letter.reason, letter.error_class) == ("bug", "LookupError")
    assert await dead_letters.read(rig.kafka, [rig.stage], reason="not_json") == []


async def test_a_waiting_key_does_not_hold_up_the_others(rig: Rig) -> None:
    blocked = asyncio.Event()

    async def handler(event: Numbered) -> None:
        if event.n == 1 and not blocked.is_set():
            raise Away

    await rig.produce(numbered(100, keys=20))
    async with running(rig, handler, QUICK.model_copy(update={"concurrency": 1})) as stage:
        # All but the blocked key, whose 1, 21, 41, 61, 81 wait behind the first.
        await until(lambda: _true(len(stage.done) == 95), "the other keys")
        blocked.set()
        await rig.until_committed()
        assert [n for n in stage.done if n % 20 == 1] == [1, 21, 41, 61, 81]
        assert await dead_letters.read(rig.kafka, [rig.stage]) == []


async def test_an_outage_opens_the_breaker_and_nothing_is_lost_or_blamed(rig: Rig) -> None:
    back = asyncio.Event()

    async def handler(_event: Numbered) -> None:
        if not back.is_set():
            raise Away

    await rig.produce(numbered(400, keys=100))
    async with running(rig, handler) as stage:
        await until(lambda: _true(stage.subscriber.breaker.state is State.OPEN), "the breaker to open")
        before = sum(stage.calls.values())
        await until(lambda: _true(sum(stage.calls.values()) > before), "a probe")
        assert stage.subscriber.health()
        back.set()
        await rig.until_committed()
        assert sorted(stage.done) == list(range(1, 401))
        assert stage.failures.deferred == stage.failures.failed == []
        assert stage.subscriber.breaker.state is State.CLOSED


async def test_a_bug_in_everything_does_not_empty_the_topic_into_the_dead_letters(rig: Rig) -> None:
    repaired = asyncio.Event()

    async def handler(_event: Numbered) -> None:
        if not repaired.is_set():
            raise LookupError

    await rig.produce(numbered(400, keys=400))
    async with running(rig, handler) as stage:
        await until(lambda: _true(stage.subscriber.breaker.state is State.OPEN), "the breaker to open")
        repaired.set()
        await rig.until_committed()
        parked = await dead_letters.read(rig.kafka, [rig.stage])
        # The window, what ran beside it, and a probe or two.
        assert QUICK.breaker_window <= len(parked) <= QUICK.breaker_window + 2 * QUICK.concurrency
        assert len(stage.done) == 400 - len(parked)


async def test_a_topic_of_nothing_but_poison_opens_the_breaker_in_the_end(rig: Rig) -> None:
    await rig.produce_raw([(b"key", b"not json")] * 100)
    async with running(rig, fine, QUICK.model_copy(update={"breaker_window": 2})) as stage:
        await until(lambda: _true(stage.subscriber.breaker.state is State.OPEN), "the breaker to open")
        assert 20 <= len(await dead_letters.read(rig.kafka, [rig.stage])) < 100


async def test_a_replay_brings_back_value_key_and_headers_and_is_noted(rig: Rig) -> None:
    repaired = asyncio.Event()

    async def handler(_event: Numbered) -> None:
        if not repaired.is_set():
            raise LookupError

    event = Numbered.make(1)
    value = event.model_dump_json().encode()
    await rig.produce_raw([(event.key, value)], headers=(("ce_id", b"1"), ("odd", b"\xff")))
    async with running(rig, handler) as stage:
        await rig.until_committed()
        (letter,) = await dead_letters.read(rig.kafka, [rig.stage], kept_bytes=10)
        assert (letter.value, letter.replayed_at) == (value[:10], None)
        repaired.set()
        assert await dead_letters.replay(rig.kafka, [letter]) == 1
        await until(lambda: _true(stage.done == [1]), "the replayed record")
    again = (await rig.read(rig.topic))[-1]
    assert (again.key, again.value) == (event.key, value)
    headers = dict(again.headers)
    assert headers.pop("x-replayed-at")
    assert headers == {"ce_id": b"1", "odd": b"\xff"}
    (letter,) = await dead_letters.read(rig.kafka, [rig.stage])
    assert letter.replayed_at is not None


NOTHING_ODD = {
    "topic": "t", "partition": "0", "offset": "1", "timestamp": "0", "group": "g", "stage": "s", "attempts": "1",
    "reason": "bug", "error-class": "E", "failed-at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip
FOREIGN: tuple[dict[str, str], ...] = (
    {},
    {"topic": "t"},
    NOTHING_ODD | {"failed-at": "2026-01-01T00:00:00"},
    NOTHING_ODD | {"failed-at": "0001-01-01T00:00:00+14:00"},
    NOTHING_ODD | {"failed-at": "yesterday"},
    NOTHING_ODD | {"offset": "9" * 5_000},
    NOTHING_ODD | {"attempts": "\xff"},
    NOTHING_ODD | {"replayed-at": "2026-01-01T00:00:00"},
)


async def test_what_others_wrote_to_the_dead_letters_is_passed_over(rig: Rig) -> None:
    def headers(context: dict[str, str]) -> tuple[tuple[str, bytes], ...]:
        return tuple((f"x-dead-letter-{name}", value.encode("latin-1")) for name, value in context.items())

    topic = f"{rig.stage}.dead-letters"
    for context in FOREIGN:
        await rig.produce_raw([(b"key", b"?")], topic=topic, headers=headers(context))
    async with AIOKafkaProducer(
        bootstrap_servers=rig.kafka.kafka_bootstrap_servers, compression_type="zstd"
    ) as producer:
        await spoil(producer, topic)
        for n in range(3):
            ours = headers(NOTHING_ODD | {"topic": rig.out, "offset": str(n)})
            await producer.send_and_wait(topic, b"%d" % n, headers=list(ours), partition=BAD)
        await spoil(producer, topic)
        await spoil(producer, topic)
    timeless = headers(NOTHING_ODD | {"topic": rig.out, "offset": "3", "timestamp": str(2**62)})
    await rig.produce_raw([(b"key", b"3")], topic=topic, headers=timeless)
    letters = await dead_letters.read(rig.kafka, [rig.stage])
    assert sorted(letter.value or b"" for letter in letters) == [b"0", b"1", b"2", b"3"]
    assert await dead_letters.replay(rig.kafka, letters) == 4
    assert sorted(record.value for record in await rig.read(rig.out)) == [b"0", b"1", b"2", b"3"]
    assert all(letter.replayed_at for letter in await dead_letters.read(rig.kafka, [rig.stage]))


async def test_nothing_is_read_and_nothing_replayed_of_no_stage(rig: Rig) -> None:
    assert await dead_letters.read(rig.kafka, []) == []
    assert await dead_letters.replay(rig.kafka, []) == 0


async def test_a_record_that_was_large_before_its_compression_is_parked_in_part(rig: Rig) -> None:
    await rig.produce_raw([(b"key", b"0" * 8_000_000)], compression_type="gzip")
    await rig.produce(numbered(10, keys=10))
    async with running(rig, fine) as stage:
        await rig.until_committed()
        assert len(stage.done) == 10
    (letter,) = await dead_letters.read(rig.kafka, [rig.stage])
    assert letter.reason == "too_large"
    assert letter.value == b"0" * 65_536
    with pytest.raises(ValueError, match="too large"):
        await dead_letters.replay(rig.kafka, [letter])


async def test_a_record_as_large_as_the_topic_takes_passes_the_fetch_limits(rig: Rig) -> None:
    """It does not compress, and is larger than what is fetched of a partition at once."""
    event = Numbered.make(1, "key")
    bulk = random.Random(1).randbytes((MAX_EVENT_BYTES - 16_384) * 3 // 4)  # base64 is a quarter of air
    value = event.model_dump_json().replace("}", f', "bulk": "{b64encode(bulk).decode()}"}}').encode()
    assert PARTITION_FETCH_BYTES < len(bulk) < len(value) < MAX_EVENT_BYTES
    await rig.produce_raw([(event.key, value)])
    await rig.produce(numbered(10, keys=10))
    async with running(rig, fine, max_event_bytes=MAX_EVENT_BYTES) as stage:
        await rig.until_committed()
        assert sorted(stage.done) == [1, *range(1, 11)]


async def test_a_header_name_that_is_large_in_bytes_is_parked_and_done_with(rig: Rig) -> None:
    await rig.produce_raw([(b"key", b"not json")], headers=(("€" * 2_000_000, b""),), compression_type="gzip")
    await rig.produce(numbered(10, keys=10))
    async with running(rig, fine) as stage:
        await rig.until_committed()
        assert len(stage.done) == 10
    (letter,) = await dead_letters.read(rig.kafka, [rig.stage])
    assert (letter.reason, letter.value, letter.headers, letter.truncated) == ("not_json", b"not json", (), True)


async def test_a_producer_whose_numbering_is_broken_is_renewed(rig: Rig) -> None:
    """As after a batch that the broker refused: aiokafka counts on, and Kafka takes nothing more (aiokafka#1017)."""
    async with running(rig, fine) as stage:
        await rig.produce(numbered(60, keys=12))
        await rig.until_committed()
        producer = stage.broker.config.producer
        assert isinstance(producer, Producer)
        broken = producer._producer.producer
        for tp in broken._txn_manager._sequence_numbers:
            broken._txn_manager.increment_sequence_number(tp, 7)
        await rig.produce(Numbered.make(n, f"key{n % 12}") for n in range(61, 121))
        await rig.until_committed()
        assert producer._producer.producer is not broken
        assert {event.n for event in await rig.published()} == set(range(1, 121))
        assert stage.failures.deferred == stage.failures.failed == []


async def test_a_full_buffer_stops_the_polls_and_not_the_work(rig: Rig) -> None:
    small = QUICK.model_copy(update={"max_buffered": 12, "max_uncommitted": 20})
    most = 0

    async def handler(_event: Numbered) -> None:
        nonlocal most
        most = max(most, sum(part.tracker.unfinished for part in stage.subscriber.partitions_now()))
        await asyncio.sleep(0)

    await rig.produce(numbered(300, keys=30))
    async with running(rig, handler, small) as stage:
        await rig.until_committed()
        assert len(stage.done) == 300
    assert most <= 12


async def test_topics_are_created_once_and_a_difference_is_only_told(rig: Rig) -> None:
    name = f"{rig.topic}.made"
    made = Topic(name, 3, timedelta(days=2), 2_000_000)
    with capture_logs() as logs:
        await asyncio.gather(*(ensure_topics(rig.kafka, [made]) for _ in range(3)))
        await ensure_topics(rig.kafka, [made])
        assert logs == []
        await ensure_topics(rig.kafka, [Topic(name, 4, timedelta(days=3), 2_000_000)])
    assert logs[0]["found"] == {"retention.ms": "172800000", "partitions": "3"}


async def _true(value: bool) -> bool:
    return value
