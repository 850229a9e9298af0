"""A partition without a leader keeps its own messages waiting, and nobody else's."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka.partitioner import DefaultPartitioner

from deploy.local import Kafka, Runner
from kit.mongo import Database
from records import deferred
from records.imports import INTERACTIVE, insert, pending
from schemas.events import ContentFetched, ImportRequested, Options
from tests.conftest import Engines
from tests.databases import made
from tests.e2e.kafka.faults import SecondBroker, create_on
from tests.e2e.kafka.rig import until
from tests.ports import own_port
from tests.unit.kit.records import record

ROOT = Path(__file__).parents[3]
LEADERS = [1, 1, 2, 1, 1, 1]
LEADERLESS = LEADERS.index(2)
ROUNDS = 4
PATIENCE = 20.0  # seconds for one that is free: less than a publication by default gives up after
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


@contextmanager
def second(first: Runner, folder: Path) -> Iterator[Runner]:
    assert isinstance(first.engine, Kafka)
    with Runner(SecondBroker(first.engine, folder / "second", own_port(), own_port())) as runner:
        yield runner


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@contextmanager
def scheduler(kafka: str, mongodb: str, database: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka, "MONGODB_URL": mongodb, "MONGODB_DATABASE": database,
        "PORT": str(own_port()), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    with (folder / "scheduler.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.scheduler.app"], cwd=folder, env=os.environ | settings, stdout=log,
            stderr=log,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def users(partition: int, url: str) -> Iterator[str]:
    """Whose imports of this link go there."""
    partitioner, all_of_them = DefaultPartitioner(), list(range(len(LEADERS)))
    for number in count():
        if partitioner(f"user-{number} {url}".encode(), all_of_them, all_of_them) == partition:
            yield f"user-{number}"


URL = "https://github.com/a/b"
STUCK, FREE = users(LEADERLESS, URL), users(0, URL)


async def accepted(db: Database, user: str) -> UUID:
    """As when the gateway could not publish it."""
    one = pending(
        task_id=uuid4(), user_id=user, url=URL, integration="github", options=Options(), released=True,
        priority=INTERACTIVE, now=LONG_AGO,
    )  # fmt: skip
    await insert(db, one)
    return UUID(str(one["_id"]))


async def put(db: Database, user: str) -> str:
    one = record(key=f"{user} {URL}".encode(), offset=next(OFFSETS))
    await deferred.defer(db, one, due_at=LONG_AGO, reason="x")
    return f"{one.topic}/{one.partition}/{one.offset}"


OFFSETS = count(1)


async def test_what_can_go_goes_while_a_partition_has_no_leader(
    engines: Engines, mongodb: str, database: str, db: Database, tmp_path: Path
) -> None:
    first = await asyncio.to_thread(engines.kafka)
    with second(first, tmp_path) as other:
        for topic in (ImportRequested.topic, ContentFetched.topic):
            await create_on(first.address, topic, LEADERS)
        await asyncio.to_thread(other.kill9)
        with scheduler(first.address, mongodb, database, tmp_path) as process:
            stuck_imports, stuck = [], []
            for _ in range(ROUNDS):
                stuck_imports.append(await accepted(db, next(STUCK)))
                stuck.append(await put(db, next(STUCK)))
                await until(partial(_taken_up, db, stuck_imports[-1], stuck[-1]), "these are on their way")
                an_import, message = await accepted(db, next(FREE)), await put(db, next(FREE))
                await until(partial(_published, db, an_import), "an import that can go", PATIENCE)
                await until(partial(_gone, db, message), "a message that can go", PATIENCE)
            assert await db.imports.count_documents({"_id": {"$in": stuck_imports}, "published": True}) == 0
            assert await db.deferred.count_documents({"_id": {"$in": stuck}}) == ROUNDS
            assert process.poll() is None
            await asyncio.to_thread(other.start)
            for an_import in stuck_imports:
                await until(partial(_published, db, an_import), "an import, now that there is a leader", 120)
            for message in stuck:
                await until(partial(_gone, db, message), "a message, now that there is a leader", 120)


async def _taken_up(db: Database, import_id: UUID, message: str) -> bool:
    an_import = await db.imports.find_one({"_id": import_id}) or {}
    return "claim" in (await db.deferred.find_one({"_id": message}) or {}) and an_import["updated_at"] > LONG_AGO


async def _published(db: Database, import_id: UUID) -> bool:
    return await db.imports.count_documents({"_id": import_id, "published": True}) == 1


async def _gone(db: Database, message: str) -> bool:
    return await db.deferred.count_documents({"_id": message}) == 0
