"""Where a group goes on when Kafka has no record at its offset, or no offset, on real Kafka."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from structlog.testing import capture_logs

from records.engines import keep_topics
from tests.e2e.kafka.rig import PARTITIONS, Rig, numbered, until
from tests.e2e.kafka.test_failures import QUICK, Stage, fine, running
from tests.unit.kafka.fakes import Numbered

OLD = 200


def younger(count: int) -> list[Numbered]:
    return [Numbered.make(n, f"key{n}") for n in range(1_001, 1_001 + count)]


@asynccontextmanager
async def admin(rig: Rig) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=rig.kafka.kafka_bootstrap_servers)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def kept(rig: Rig) -> AsyncIterator[None]:
    """The rig's topics, as a stage keeps its own."""
    keeping = asyncio.create_task(keep_topics(rig.kafka, rig.topics, every=timedelta(seconds=0.5)))
    try:
        yield
    finally:
        keeping.cancel()


async def commit_elsewhere(rig: Rig, offsets: dict[TopicPartition, int]) -> None:
    """As an operator's tool does while nobody of the group is there."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=rig.kafka.kafka_bootstrap_servers, group_id=rig.group, enable_auto_commit=False
    )
    consumer.assign(list(offsets))
    await consumer.start()
    try:
        await consumer.commit(offsets)
    finally:
        await consumer.stop()


async def until_done(rig: Rig, stage: Stage, numbers: Iterable[int]) -> None:
    wanted = {*numbers}

    async def done() -> bool:
        return wanted <= {*stage.done}

    await until(done, "all that is new")
    await rig.until_committed()


async def test_an_offset_beyond_the_end_does_not_bring_the_whole_topic_back(rig: Rig) -> None:
    await rig.produce(numbered(OLD, keys=50))
    ends = await rig.ends()
    await commit_elsewhere(rig, {tp: end + 1_000 for tp, end in ends.items()})
    with capture_logs() as logs:
        async with running(rig, fine) as stage:
            await rig.until_committed(ends)
            await rig.produce(younger(20))
            await until_done(rig, stage, range(1_001, 1_021))
    assert sorted(stage.done) == list(range(1_001, 1_021))
    assert [line["why"] for line in logs if line["event"] == "offset moved"] == ["beyond_end"] * PARTITIONS


async def test_an_offset_below_the_start_is_followed_by_what_is_left(rig: Rig) -> None:
    await rig.produce(numbered(OLD, keys=50))
    ends = await rig.ends()
    await commit_elsewhere(rig, dict.fromkeys(ends, 0))
    async with admin(rig) as client:
        await client.delete_records({tp: RecordsToDelete(end - 1) for tp, end in ends.items()})
    with capture_logs() as logs:
        async with running(rig, fine) as stage:
            await rig.until_committed(ends)
    assert len(stage.done) == PARTITIONS
    assert [line["why"] for line in logs if line["event"] == "offset moved"] == ["below_start"] * PARTITIONS


async def test_a_group_that_lost_its_offsets_says_so_and_a_new_one_does_not(rig: Rig) -> None:
    await rig.produce(numbered(OLD, keys=50))
    known: set[TopicPartition] = set()

    async def has_read(_group: str, tps: Collection[TopicPartition]) -> Collection[TopicPartition]:
        before = known & {*tps}
        known.update(tps)
        return before

    memory = SimpleNamespace(has_read=has_read)
    with capture_logs() as logs:
        async with running(rig, fine, groups=memory) as stage:
            await rig.until_committed()
    assert sorted(stage.done) == list(range(1, OLD + 1))
    assert [line for line in logs if line["event"] == "offset moved"] == []
    rig.group += "-without-offsets"  # of this one Kafka has none, and we know it
    with capture_logs() as logs:
        async with running(rig, fine, groups=memory) as stage:
            await rig.until_committed()
    assert sorted(stage.done) == list(range(1, OLD + 1))
    told = [line for line in logs if line["event"] == "offset moved"]
    assert [(line["log_level"], line["why"]) for line in told] == [("error", "no_offset")] * PARTITIONS


async def test_topics_that_are_deleted_under_a_running_stage_come_back_and_it_goes_on(rig: Rig) -> None:
    """Those that it reads, from their start, and those that it writes, with the same producer."""
    await rig.produce(numbered(OLD, keys=50))
    async with running(rig, fine, QUICK) as stage, admin(rig) as client, kept(rig):
        await rig.until_committed()
        for _ in range(2):
            stage.done.clear()
            await client.delete_topics([rig.topic, rig.out])

            async def back() -> bool:
                known = await client.describe_topics([rig.topic, rig.out])
                return all(len(topic["partitions"]) == PARTITIONS for topic in known)

            await until(back, "the topics to be back")
            await stage.broker.publish(Numbered.make(1_001, "key1001"), topic=rig.topic)
            await rig.produce(younger(20)[1:])
            await until_done(rig, stage, range(1_001, 1_021))
            assert sorted(stage.done) == list(range(1_001, 1_021))
            assert {event.n for event in await rig.published()} == set(range(1_001, 1_021))
            assert stage.subscriber.health()
