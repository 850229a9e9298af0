"""Poison in every topic ends in its stage's dead letters, once, and blocks nothing; a mended cause and a replay
complete the imports that failed of it."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from kit.kafka import dead_letters
from kit.kafka.dead_letters import DeadLetter
from kit.kafka.topics import configs
from kit.mongo import Database
from schemas import journey
from schemas.events import EVENTS, ContentFetched, ProjectDrafted
from tests.e2e.member import Member, settled
from tests.e2e.stack import Stack

pytestmark = pytest.mark.engines

TOPICS = [event.topic for event in EVENTS]
GROUPS = ("fetcher", "fetcher-sync", "analyzer", "transformer", "writer", "awarder", "projector")
LINKS = 8
FORBIDDEN = {"_id": {"$exists": False}}  # a rule that no document keeps


def poisons() -> dict[str, tuple[bytes | None, set[str]]]:
    """By kind: the bytes, and the reasons for which they may be parked."""
    base: dict[str, Any] = {
        "id": str(uuid4()),
        "import_id": str(uuid4()),
        "user_id": "user-poison",
        "url": "https://x.y",
    }
    failed = {"stage": "fetcher", "error": "e", "error_code": "E", "action": "a", "suggestion": "s"}
    beyond = "0001-01-01T00:00:00+14:00"  # the calendar in UTC
    return {
        "non-JSON": (b"\xff{not json", {"not_json"}),
        "wrong schema": (json.dumps({"version": 1, "surprise": True}).encode(), {"wrong_schema"}),
        "null": (None, {"null_value"}),
        "2 MiB": (json.dumps({"padding": "x" * 2 * 1024 * 1024}).encode(), {"too_large", "wrong_schema"}),
        "no instant": (json.dumps({**base, **failed, "retry_at": beyond}).encode(), {"wrong_schema"}),
        "unknown version": (json.dumps({**base, "version": 2}).encode(), {"unknown_version"}),
    }


async def produce(stack: Stack, records: Iterable[tuple[str, bytes, bytes | None, list[tuple[str, bytes]]]]) -> None:
    producer = AIOKafkaProducer(**stack.kafka_options(), max_request_size=4_000_000)
    await producer.start()
    try:
        for topic, key, value, headers in records:
            await producer.send_and_wait(topic, value, key=key, headers=headers)
    finally:
        await producer.stop()


async def until_read(stack: Stack) -> None:
    """Until every group has finished with every record: nothing is blocked."""
    admin = AIOKafkaAdminClient(**stack.kafka_options())
    consumer = AIOKafkaConsumer(**stack.kafka_options())
    await admin.start()
    await consumer.start()
    left: set[tuple[str, TopicPartition]] = set()
    try:
        async with asyncio.timeout(60):
            while True:
                stack.check()
                committed = {group: await admin.list_consumer_group_offsets(group) for group in GROUPS}
                read = {(group, tp): known.offset for group in GROUPS for tp, known in committed[group].items()}
                ends = await consumer.end_offsets({tp for _, tp in read})
                left = {(group, tp) for (group, tp), offset in read.items() if offset < ends[tp]}
                if not left and {tp.topic for _, tp in read} == set(TOPICS):
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"not read to their ends: {left}") from None
    finally:
        await consumer.stop()
        await admin.close()


async def letters(stack: Stack) -> list[DeadLetter]:
    return await dead_letters.read(stack.kafka_settings)


async def test_poison_is_parked_once_with_its_context_and_blocks_nothing(
    stack: Stack, db: Database, ada: Member
) -> None:
    link = "https://github.com/load/77"
    key = f"{ada.user_id} {link}".encode()  # of the import behind, so that they share a partition and a lane
    kinds = poisons()
    sent = [(topic, kind) for topic in TOPICS for kind in kinds]
    await produce(stack, [(t, key, kinds[kind][0], [("x-kind", kind.encode())]) for t, kind in sent])

    task_id = await ada.paste(link)
    await settled(stack, db, task_id)
    assert (await ada.task(task_id))["status"] == "completed"
    await until_read(stack)

    parked = [letter for letter in await letters(stack) if letter.key == key]
    told = {(letter.topic, dict(letter.headers)["x-kind"].decode()): letter for letter in parked}
    assert sorted(told) == sorted(sent)
    for (topic, kind), letter in told.items():
        value, reasons = kinds[kind]
        assert letter.stage == journey.stage_of(topic)
        assert letter.reason in reasons, (topic, kind)
        assert letter.value == value, "the original bytes"
        assert letter.attempts == 1
        assert letter.error_class == "Poison"
        assert letter.group.startswith(letter.stage)
    raw = await stack.records(*map(journey.dead_letters, journey.STAGES))
    assert len([record for record in raw if record.key == key]) == len(sent), "each once"


@asynccontextmanager
async def store_that_takes_nothing(collection: str, _stack: Stack, db: Database) -> AsyncIterator[None]:
    await rule(db, collection, FORBIDDEN)
    try:
        yield
    finally:
        await rule(db, collection, {})


@asynccontextmanager
async def topic_that_takes_nothing(name: str, stack: Stack, _db: Database) -> AsyncIterator[None]:
    """As after somebody has lowered what the broker takes."""
    settings = configs(next(topic for topic in journey.TOPICS if topic.name == name))
    admin = AIOKafkaAdminClient(**stack.kafka_options())
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"max.message.bytes": "300"})])
        yield
    finally:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings)])
        await admin.close()


FAULTS = {
    "fetcher": partial(topic_that_takes_nothing, ContentFetched.topic),
    "analyzer": partial(store_that_takes_nothing, "analyses"),
    "transformer": partial(topic_that_takes_nothing, ProjectDrafted.topic),
    "writer": partial(store_that_takes_nothing, "projects"),
    "awarder": partial(store_that_takes_nothing, "points"),
}


@pytest.mark.parametrize("stage", FAULTS)
async def test_what_failed_of_a_fault_of_ours_is_completed_by_a_replay_after_the_repair(
    stack: Stack, db: Database, ada: Member, stage: str
) -> None:
    first = int(uuid4().hex[:6], 16)
    links = [f"https://github.com/load/{first + n}" for n in range(LINKS)]
    async with FAULTS[stage](stack, db):
        tasks = [await ada.paste(link) for link in links]
        await settled(stack, db, *tasks)
        assert {(t["status"], t["error_code"]) for t in await all_tasks(ada, tasks)} == {("failed", "INTERNAL_ERROR")}
    assert len(await unreplayed(stack, stage)) == LINKS

    await asyncio.to_thread(stack.thrive, "failed", "replay", "--stage", stage, "--reason", "bug")
    assert len(await unreplayed(stack, stage)) == LINKS, "a dry run is the default"
    await asyncio.to_thread(stack.thrive, "failed", "replay", "--stage", stage, "--reason", "bug", "--yes")
    await settled(stack, db, *tasks, states=("completed",))
    await asyncio.to_thread(stack.thrive, "failed", "replay", "--stage", stage, "--replayed", "--yes")
    await until_read(stack)

    told = await all_tasks(ada, tasks)
    assert {(task["status"], task["points"]) for task in told} == {("completed", 50)}
    assert Counter(project["external_url"] for project in await ada.projects()) == Counter(links)
    entries = await ada.points()
    assert len({entry["project_id"] for entry in entries}) == len(entries) == LINKS
    assert {entry["points"] for entry in entries} == {50}
    assert not await unreplayed(stack, stage)


async def rule(db: Database, collection: str, validator: dict[str, Any]) -> None:
    """What MongoDB demands of a document from now on."""
    if collection not in await db.list_collection_names():
        await db.create_collection(collection)
    await db.command({"collMod": collection, "validator": validator})


async def unreplayed(stack: Stack, stage: str) -> list[DeadLetter]:
    """What the stage could not do and nobody has sent back yet; poison is not among it."""
    return [
        letter
        for letter in await letters(stack)
        if letter.stage == stage and letter.reason == "bug" and letter.replayed_at is None
    ]


async def all_tasks(member: Member, task_ids: list[str]) -> list[dict[str, Any]]:
    return [await member.task(task_id) for task_id in task_ids]
