"""The gateway as its own process, on engines that come and go."""

import asyncio
import json
import signal
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx2
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from kit.mongo import Database, connect
from kit.settings import KafkaSettings, MongoSettings
from records.imports import ImportRecord, pending, requested
from records.indexes import ensure_indexes
from schemas.events import ImportRequested, Options
from services.gateway.imports.publisher import Publisher
from services.gateway.tasks.stream import StatusStream
from tests.conftest import Engines
from tests.e2e.gateway.conftest import Start
from tests.unit.gateway.support import bearer

REPO = "https://github.com/octocat/hello-world"
IMPORT = "/api/v1/github/import/"


def database_at(url: str, name: str) -> Database:
    return connect(MongoSettings(mongodb_url=SecretStr(url), mongodb_database=name))


async def test_an_accepted_import_reaches_its_topic_with_its_key(start: Start, kafka: str) -> None:
    async with start(kafka) as gateway:
        async with asyncio.timeout(60):
            name, task_id = await published(gateway.client)
            async with AIOKafkaConsumer(
                ImportRequested.topic, bootstrap_servers=kafka, auto_offset_reset="earliest"
            ) as consumer:
                async for record in consumer:
                    if json.loads(record.value)["import_id"] == task_id:
                        break
        event = ImportRequested.model_validate_json(record.value)
        assert (event.user_id, event.url, record.key) == (f"user-{name}", REPO, event.key)
        assert dict(record.headers)["ce_type"] == b"ImportRequested"


async def published(client: httpx2.AsyncClient) -> tuple[str, str]:
    """A member, and the task of an import of theirs that the broker has. What others ask for before the gateway has
    reached it is left to the relay, which does not run here."""
    while True:
        name = f"ada-{uuid4().hex[:8]}"
        accepted = (await client.post(IMPORT, json={"url": REPO}, headers=bearer(name))).json()
        if (await client.get("/readyz")).json()["kafka"]:
            return name, accepted["task_id"]
        await asyncio.sleep(0.1)


async def test_it_starts_and_accepts_without_kafka_and_ends_in_order_with_streams_open(start: Start) -> None:
    async with start("127.0.0.1:1") as gateway:
        accepted = await gateway.client.post(IMPORT, json={"url": REPO})
        assert accepted.status_code == 202
        assert (await gateway.client.get("/readyz")).json() == {"mongodb": True, "kafka": False}
        waiting = asyncio.create_task(gateway.client.post(IMPORT, json={"url": REPO}, headers={"Prefer": "wait=60"}))
        async with gateway.client.stream("GET", accepted.json()["status_url"] + "events/") as stream:
            lines = stream.aiter_lines()
            await anext(lines)
            while "thrive_gateway_followers 2.0" not in (await gateway.client.get("/metrics")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            gateway.process.send_signal(signal.SIGTERM)
            async for _ in lines:
                pass
        assert (await waiting).status_code == 202, "a wait that is cut short is still accepted"
        assert await gateway.process.wait() == -signal.SIGTERM, "raised again once all was closed"


async def test_the_publisher_outlives_a_killed_broker(engines: Engines) -> None:
    runner = await asyncio.to_thread(engines.kafka)
    publish = Publisher(KafkaSettings(kafka_bootstrap_servers=runner.address))

    async def reached() -> bool:
        try:
            await asyncio.wait_for(publish(requested(new_import(uuid4()))), 1)
        except Exception:
            return False
        return True

    async def until_reached() -> None:
        while not await reached():  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    async with publish.running(), asyncio.timeout(90):
        await until_reached()
        await asyncio.to_thread(runner.kill9)
        assert not await reached()
        await asyncio.to_thread(runner.start)
        await until_reached()


async def test_followers_outlive_a_killed_database(engines: Engines) -> None:
    runner = await asyncio.to_thread(engines.mongo)
    db = database_at(runner.address, "hub")
    await ensure_indexes(db)
    task_id, hub = uuid4(), StatusStream(db)
    await db["imports"].insert_one(dict(new_import(task_id)))
    feeding = asyncio.create_task(hub.run())
    try:
        async with asyncio.timeout(90), aclosing(hub.follow(task_id)) as states:
            assert (await anext(states))["state"] == "pending"
            await move(db, task_id, state="processing")
            assert (await anext(states))["state"] == "processing"
            await asyncio.to_thread(runner.kill9)
            await asyncio.to_thread(runner.start)
            await move(db, task_id, state="completed")
            assert [record["state"] async for record in states][-1] == "completed"
    finally:
        feeding.cancel()
        await db.client.close()


def new_import(task_id: UUID) -> ImportRecord:
    return pending(
        task_id=task_id, user_id="user-ada", url=REPO, integration="github", options=Options(), released=True,
        now=datetime.now(UTC),
    )  # fmt: skip


async def move(db: Database, task_id: UUID, **changes: object) -> None:
    await db["imports"].update_one({"_id": task_id}, {"$set": changes, "$inc": {"version": 1}})
