"""What a running subscriber tells others, on the simulated group."""

import asyncio
from datetime import timedelta

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata
from prometheus_client import REGISTRY, generate_latest

from kit.kafka.breaker import Verdict
from tests.unit.kafka.fakes import Numbered
from tests.unit.kafka.simulation import SETTINGS, Group, Member

START = OffsetAndMetadata(0, "")


async def test_health_and_metrics_follow_the_subscriber() -> None:
    group = Group(1)
    started, release = asyncio.Event(), asyncio.Event()

    async def handle(event: Numbered) -> None:
        started.set()
        await release.wait()
        group.ends(group.records[event.n])

    member = Member(group, handle)
    assert not member.subscriber.health()
    await member.join()
    assert member.subscriber.health()
    group.produce(1, "key")
    await started.wait()
    told = generate_latest(REGISTRY).decode()
    assert 'thrive_in_flight{group="g"} 1.0' in told
    assert 'thrive_breaker_state{group="g"} 0.0' in told
    assert [line for line in told.splitlines() if line.startswith("thrive_unfinished{") and line.endswith(" 1.0")]
    release.set()
    await group.settle()
    assert group.settled
    told = generate_latest(REGISTRY).decode()
    assert 'thrive_outcomes_total{group="g",outcome="done"}' in told
    assert 'thrive_handler_seconds_count{group="g",topic="numbered"}' in told
    assert 'thrive_event_age_seconds_count{group="g",topic="numbered"}' in told
    await member.leave()
    assert member.subscriber.health().reason == "not running"


async def test_a_rewound_log_is_handled_from_its_new_beginning() -> None:
    """As after a topic was made anew under the same name: lower offsets, other records."""
    group = Group(3)
    handled = []

    async def handle(event: Numbered) -> None:
        handled.append(event.n)
        group.ends(group.records[event.n])

    member = Member(group, handle)
    await member.join()
    for n in range(20):
        group.produce(n, "key")
    await group.settle()
    assert group.settled
    group.begin_anew()
    for n in range(100, 105):
        group.produce(n, "key")
    await group.settle()
    assert group.settled
    await member.leave()
    assert handled == [*range(20), *range(100, 105)]


async def test_a_rewound_log_does_not_wait_for_what_still_runs_of_the_old() -> None:
    group = Group(3)
    hangs, release = asyncio.Event(), asyncio.Event()

    async def handle(event: Numbered) -> None:
        if event.n == 19:
            hangs.set()
            await release.wait()
        else:
            group.ends(group.records[event.n])

    member = Member(group, handle)
    await member.join()
    for n in range(20):
        group.produce(n, "key")
    async with asyncio.timeout(10):
        await hangs.wait()
        old = group.records[19]
        while group.committed.get(TopicPartition(old.topic, old.partition), START).offset != old.offset:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    group.begin_anew()
    for n in range(100, 105):
        group.produce(n, "key")
    await group.settle()
    release.set()
    await member.leave()
    assert group.faults == []
    assert group.settled


async def test_one_record_is_fetched_to_probe_what_was_broken() -> None:
    group = Group(1)
    probing, release = asyncio.Event(), asyncio.Event()

    async def handle(event: Numbered) -> None:
        probing.set()
        await release.wait()
        group.ends(group.records[event.n])

    member = Member(group, handle, SETTINGS.model_copy(update={"breaker_cooldown": timedelta(seconds=0.05)}))
    for _ in range(SETTINGS.breaker_window):
        member.subscriber.breaker.record(Verdict.BAD)
    for n in range(30):
        group.produce(n, f"key{n}")
    await member.join()
    async with asyncio.timeout(10):
        await probing.wait()
        assert sum(part.tracker.unfinished for part in member.subscriber.partitions_now()) == 1
        release.set()
    await group.settle()
    assert group.settled
    await member.leave()
