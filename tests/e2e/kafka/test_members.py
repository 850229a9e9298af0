"""The contract of the keyed subscriber on real Kafka, with processes that come, go and die."""

import asyncio
import signal

from aiokafka import AIOKafkaProducer

from tests.e2e.kafka.rig import Rig, numbered, order_faults, until
from tests.unit.kafka.fakes import Numbered


async def verdict(rig: Rig, count: int) -> list[Numbered]:
    """All of 1..count are published, in the order of their keys, and committed. Returns what was published."""
    await rig.until_committed()
    published = await rig.published()
    assert {event.n for event in published} == set(range(1, count + 1))
    assert order_faults(published) == []
    return published


async def test_one_member_handles_many_at_once_and_every_key_in_order(rig: Rig) -> None:
    await rig.produce(numbered(600, keys=30))
    rig.spawn(mean_seconds=0.02, fail_once=range(7, 600, 50))
    published = await verdict(rig, 600)
    assert len(published) == 600
    assert len(rig.noted("retry")) == 12
    # Many at once: with 20 ms each, one after the other no four ends would stand between a start and its own end.
    assert overlap(rig) > 4


def overlap(rig: Rig) -> int:
    """The most events that were under way at once."""
    now = most = 0
    for line in rig.journal.read_text().splitlines():
        now += {"start": 1, "end": -1, "retry": -1}.get(line.split()[0], 0)
        most = max(most, now)
    return most


async def test_gaps_in_the_log_stall_nothing(rig: Rig) -> None:
    """Transaction markers and aborted batches take offsets that nobody is given."""
    producer = AIOKafkaProducer(
        bootstrap_servers=rig.kafka.kafka_bootstrap_servers, transactional_id=f"{rig.group}-gaps"
    )
    await producer.start()
    events = numbered(60, keys=10)
    last = {}
    for at in range(0, 60, 10):
        async with producer.transaction():
            for event in events[at : at + 10]:
                sent = await producer.send_and_wait(rig.topic, event.model_dump_json().encode(), key=event.key)
                last[sent.topic_partition] = sent.offset + 1
    await producer.stop()
    assert sum((await rig.ends()).values()) > 60  # there are gaps
    rig.spawn()
    await rig.until_committed(last)
    assert sorted(event.n for event in await rig.published()) == list(range(1, 61))


async def test_kill_9_loses_nothing(rig: Rig) -> None:
    await rig.produce(numbered(600, keys=60))
    first = rig.spawn(mean_seconds=0.2)
    await until(lambda: rig.has_committed(100), "the first commits")
    first.kill9()
    rig.spawn(mean_seconds=0.01)
    await verdict(rig, 600)


async def test_sigterm_drains_and_repeats_nothing(rig: Rig) -> None:
    await rig.produce(numbered(600, keys=60))
    first = rig.spawn(mean_seconds=0.1)
    await rig.until_noted(200, "end")
    assert await first.terminate() == 0
    assert sorted(rig.noted("start")) == sorted(rig.noted("end"))  # nothing was broken off
    rig.spawn(mean_seconds=0.01)
    published = await verdict(rig, 600)
    assert len(published) == 600
    assert len(rig.noted("start")) == 600


async def test_members_join_leave_and_die_under_load(rig: Rig) -> None:
    async with rig.load(keys=100) as sent:
        first = rig.spawn(mean_seconds=0.1)
        await rig.until_noted(100, "end", first)
        second, third = rig.spawn(mean_seconds=0.1), rig.spawn(mean_seconds=0.1)
        await rig.until_noted(50, "end", second)
        await rig.until_noted(50, "end", third)
        assert await second.terminate() == 0
        first.kill9()
        await rig.until_noted(len(rig.noted("end", third)) + 100, "end", third)
        fourth = rig.spawn(mean_seconds=0.05)
        await rig.until_noted(100, "end", fourth)
    await verdict(rig, len(sent))


async def test_what_comes_before_its_assignment_is_announced_is_not_lost(rig: Rig) -> None:
    """A poll that was under way when its partitions were taken and given back returns what they bring by then."""
    async with rig.load(keys=60) as sent:
        member = rig.spawn(assigned_late=0.2)
        await rig.until_noted(50, "end", member)
        for _ in range(3):
            async with rig.visitor():
                await rig.until_noted(len(rig.noted("end")) + 20, "end")
            await rig.until_noted(len(rig.noted("end")) + 100, "end")
    await verdict(rig, len(sent))


async def test_a_member_that_was_stopped_for_too_long_comes_back_and_harms_nothing(rig: Rig) -> None:
    async with rig.load(keys=60) as sent:
        zombie = rig.spawn(mean_seconds=0.1)
        await rig.until_noted(100, "end", zombie)
        zombie.process.send_signal(signal.SIGSTOP)
        heir = rig.spawn(mean_seconds=0.1)
        await rig.until_noted(100, "end", heir)
        zombie.process.send_signal(signal.SIGCONT)
        await rig.until_noted(len(rig.noted("end", zombie)) + 100, "end", zombie)
    await verdict(rig, len(sent))
    assert await zombie.terminate() == 0
    assert await heir.terminate() == 0


async def test_a_revocation_during_a_retry_hands_the_record_over(rig: Rig) -> None:
    """Back-offs of ten seconds end at once; whoever gets the partition goes on."""
    stubborn = rig.spawn(fail=range(1, 31), retry_after=10)
    await rig.until_noted(1, "ready", stubborn)
    await rig.produce(numbered(60, keys=30))
    await rig.until_noted(30, "retry", stubborn)
    heir = rig.spawn()
    await rig.until_noted(1, "end", heir)
    assert await stubborn.terminate() == 0
    published = await verdict(rig, 60)
    assert len(published) == 60


async def test_what_is_returned_is_published_before_its_input_is_committed(rig: Rig) -> None:
    """The committed offsets never run ahead of the published events, whenever one looks."""
    await rig.produce(numbered(300, keys=30))
    offsets = {
        (record.partition, record.offset): Numbered.model_validate_json(record.value).n
        for record in await rig.read(rig.topic)
    }
    rig.spawn(mean_seconds=0.1)
    done = False
    while not done:
        committed = {tp.partition: offset for tp, offset in (await rig.committed()).items()}
        published = {event.n for event in await rig.published()}
        covered = {n for (partition, offset), n in offsets.items() if offset < committed.get(partition, 0)}
        assert covered <= published
        done = len(covered) == 300
        await asyncio.sleep(0.05)
