"""Every record that the topics hold, published again, and a stack that has read all there is."""

import asyncio
import random
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.events import EVENTS, Event, ImportRequested, SyncRequested
from schemas.journey import JOURNEY, TOPICS
from tests.e2e.member import PATIENCE
from tests.e2e.stack import Stack

PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}


def _groups() -> dict[str, tuple[type[Event], ...]]:
    """What each consumer group reads."""
    groups = {step.stage: step.consumes for step in JOURNEY if step.consumes}
    return groups | {"fetcher": (ImportRequested,), "fetcher-sync": (SyncRequested,)}


async def republish(stack: Stack, records: "Iterable[ConsumerRecord[Any, Any]]") -> None:
    """As they lie there: value, key and headers."""
    producer = AIOKafkaProducer(**stack.kafka_options(), enable_idempotence=True, max_request_size=5_000_000)
    await producer.start()
    try:
        await asyncio.gather(
            *[
                await producer.send(it.topic, it.value, key=it.key, headers=[(n, v or b"") for n, v in it.headers])
                for it in records
            ]
        )
    finally:
        await producer.stop()


async def all_again(stack: Stack, seed: int, *, most: int | None = None) -> int:
    """The records of all events, each once, in random order; or so many of them. How many."""
    records = await stack.records(*(event.topic for event in EVENTS))
    different = list({(it.topic, it.key, it.value): it for it in records}.values())
    random.Random(seed).shuffle(different)
    await republish(stack, different[:most])
    return len(different[:most])


async def read_through(stack: Stack) -> None:
    """Until every group has committed all that there is, and nothing has come of it that it has not."""
    before: object = None
    since = asyncio.get_running_loop().time()
    while True:
        stack.check()
        now = asyncio.get_running_loop().time()
        ends, lag = await _lag(stack)
        if (ends, lag) == before:
            if not lag:
                return
            if now - since > PATIENCE:
                raise AssertionError(f"{lag} records are not read; logs in {stack.folder}")
        else:
            before, since = (ends, lag), now
        await asyncio.sleep(0.3)


async def _lag(stack: Stack) -> tuple[dict[TopicPartition, int], int]:
    """The ends of all partitions, and what all groups together have not committed."""
    tps = [TopicPartition(event.topic, number) for event in EVENTS for number in range(PARTITIONS[event.topic])]
    consumer, admin = AIOKafkaConsumer(**stack.kafka_options()), AIOKafkaAdminClient(**stack.kafka_options())
    await consumer.start()
    await admin.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(tps)
        lag = 0
        for group, events in _groups().items():
            topics = {event.topic for event in events}
            stored = await admin.list_consumer_group_offsets(group)
            committed = {tp: offset.offset for tp, offset in stored.items()}
            lag += sum(max(0, end - max(0, committed.get(tp, 0))) for tp, end in ends.items() if tp.topic in topics)
        return ends, lag
    except KafkaError:  # a coordinator that is moving
        return {}, -1
    finally:
        await consumer.stop()
        await admin.close()
