"""What stops a stage without a word: liveness notices it, or it does not stop."""

import asyncio
import time
from datetime import timedelta

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from kit.kafka.breaker import Breaker, State, Verdict
from kit.kafka.health import POLL_LIMIT, health
from kit.kafka.partition import Partition
from kit.settings import KeyedSettings
from tests.unit.kafka.fakes import Away, Numbered, record
from tests.unit.kafka.simulation import SETTINGS, Group, Member

TRIES = 100.0


class Clock:
    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


def half_open() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(2, 1, 10, clock=clock)
    breaker.record(Verdict.BAD)
    breaker.record(Verdict.BAD)
    clock.now += 10
    assert breaker.state is State.HALF_OPEN
    return breaker, clock


def behind() -> Partition:
    """Nothing is in memory, and the log goes on."""
    part = Partition(TopicPartition("numbered", 0), 5)
    part.end = 9
    return part


def test_a_breaker_that_neither_probes_nor_closes_is_noticed() -> None:
    breaker, clock = half_open()
    assert breaker.admit()
    clock.now += TRIES + POLL_LIMIT - 1
    assert health(time.monotonic(), TRIES, breaker, [behind()])
    clock.now += 2
    found = health(time.monotonic(), TRIES, breaker, [behind()])
    assert not found
    assert found.reason == "the breaker neither probes nor closes"


def test_a_breaker_that_has_nothing_to_probe_with_harms_nobody() -> None:
    breaker, clock = half_open()
    clock.now += 100_000
    assert health(time.monotonic(), TRIES, breaker, [Partition(TopicPartition("numbered", 0), 5)])


def test_an_outage_of_hours_is_no_reason_to_die_and_neither_is_its_end() -> None:
    breaker, clock = half_open()
    part = Partition(TopicPartition("numbered", 0), 0)
    part.offer(record(b"", offset=0))
    part.moved_at -= 36_000
    for _ in range(3_600):
        breaker.record(Verdict.BAD)
        clock.now += 10
        assert health(time.monotonic(), TRIES, breaker, [part])
    breaker.record(Verdict.GOOD)
    assert health(time.monotonic(), TRIES, breaker, [part])
    clock.now += TRIES + POLL_LIMIT + 1
    assert health(time.monotonic(), TRIES, breaker, [part]).reason.startswith("no progress")


@pytest.mark.parametrize(
    "odd",
    [
        {"max_uncommitted": 40, "max_buffered": 1_000},
        {"max_uncommitted": 5_000, "max_buffered": 200_000},
        {"max_uncommitted": 1, "max_buffered": 1},
        {"max_uncommitted": 3, "max_buffered": 1_000_000, "concurrency": 1},
    ],
    ids=str,
)
async def test_whatever_the_sizes_of_the_buffers_work_goes_on(odd: dict[str, int]) -> None:
    group = Group(1)

    async def handle(event: Numbered) -> None:
        group.ends(group.records[event.n])

    member = Member(group, handle, KeyedSettings(**{**SETTINGS.model_dump(), **odd}))
    await member.join()
    for n in range(100):
        group.produce(n, f"key{n % 9}")
    await group.settle()
    assert group.settled
    await member.leave()


async def test_lag_counts_from_the_committed_offset_also_while_nothing_is_polled() -> None:
    group = Group(1)
    for n in range(50):
        group.produce(n, "key")

    async def handle(_event: Numbered) -> None:
        raise Away

    settings = SETTINGS.model_copy(update={"breaker_cooldown": timedelta(hours=1)})
    member = Member(group, handle, settings)
    for _ in range(settings.breaker_window):
        member.subscriber.breaker.record(Verdict.BAD)
    await member.join()
    tp = TopicPartition(group.records[0].topic, group.records[0].partition)
    labels = {"group": "g", "topic": tp.topic, "partition": str(tp.partition)}
    async with asyncio.timeout(10):
        while REGISTRY.get_sample_value("thrive_lag", labels) != group.end(tp):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    await member.leave()


async def test_a_probe_that_ends_without_a_verdict_makes_room_for_the_next() -> None:
    """Its owner cannot be told, for a bug of the stage's: that is tried after a hold, as the probe, and given up."""
    group = Group(1)

    async def handle(event: Numbered) -> None:
        if event.n == 0:
            raise LookupError
        group.ends(group.records[event.n])

    settings = SETTINGS.model_copy(update={"breaker_cooldown": timedelta(seconds=0.02), "breaker_window": 2})
    member = Member(group, handle, settings)
    member.failures.away = 1
    member.failures.broken = True
    member.subscriber.breaker.record(Verdict.BAD)
    group.produce(0, "key")
    await member.join()
    await group.settle()
    for n in range(1, 40):
        group.produce(n, f"key{n}")
    await group.settle()
    assert group.settled
    assert member.subscriber.breaker.state is State.CLOSED
    await member.leave()


@pytest.mark.parametrize(
    "odd",
    [{"session_timeout": 0.5}, {"session_timeout": 3_600}, {"revoke_timeout": 86_400}, {"max_deaths": 2}],
    ids=str,
)
def test_what_kafka_would_refuse_is_refused_when_it_is_read(odd: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(odd))):
        KeyedSettings(**odd)  # type: ignore[arg-type]
