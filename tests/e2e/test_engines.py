"""The embedded engines are real: they keep data over crashes, order and transactions included."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import AsyncMongoClient

from deploy.local import Kafka
from tests.conftest import Engines
from tests.ports import own_port


async def create_topic(bootstrap: str, name: str, partitions: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs={"max.message.bytes": "4404020"})])
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, max_request_size=5_000_000
    ) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"key")


async def consume(bootstrap: str, topic: str, count: int, group: str) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(30):
        return [(await consumer.getone()).value for _ in range(count)]


async def test_kafka_delivers_in_order_and_takes_large_messages(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}events"
    await create_topic(kafka, topic)
    values = [b"first", b"x" * 4_200_000, b"last"]
    await produce(kafka, topic, values)
    assert await consume(kafka, topic, 3, f"{topic_prefix}group") == values


async def test_kafka_finds_its_data_after_a_crash_and_after_a_clean_restart(engines: Engines) -> None:
    runner = await asyncio.to_thread(engines.kafka)
    await create_topic(runner.address, "events")
    await produce(runner.address, "events", [b"one"])
    await asyncio.to_thread(runner.kill9)
    assert not runner.alive
    await asyncio.to_thread(runner.restart)
    await produce(runner.address, "events", [b"two"])
    await asyncio.to_thread(runner.restart)
    assert await consume(runner.address, "events", 2, "group") == [b"one", b"two"]


async def test_kafka_finds_its_data_when_its_ports_have_changed(engines: Engines) -> None:
    runner = await asyncio.to_thread(engines.kafka)
    await create_topic(runner.address, "events")
    await produce(runner.address, "events", [b"one"])
    await asyncio.to_thread(runner.stop)
    assert isinstance(runner.engine, Kafka)
    runner.engine.port, runner.engine.controller_port = own_port(), own_port()
    await asyncio.to_thread(runner.start)
    assert await consume(runner.address, "events", 1, "group") == [b"one"]


async def test_mongodb_has_transactions_and_change_streams(mongodb: str, database: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](mongodb) as client:
        imports, ledger = client[database]["imports"], client[database]["ledger"]
        async with await imports.watch() as changes:
            async with client.start_session() as session:
                async with await session.start_transaction():
                    await imports.insert_one({"_id": 1}, session=session)
                    await ledger.insert_one({"_id": 1, "points": 50}, session=session)
                await session.start_transaction()
                await imports.insert_one({"_id": 2}, session=session)
                await session.abort_transaction()
            async with asyncio.timeout(30):
                assert (await changes.next())["fullDocument"] == {"_id": 1}
        assert [document["_id"] async for document in imports.find()] == [1]
        assert await ledger.count_documents({}) == 1


async def test_mongodb_finds_acknowledged_writes_after_a_crash(engines: Engines) -> None:
    runner = await asyncio.to_thread(engines.mongo)
    async with AsyncMongoClient[dict[str, Any]](runner.address, w="majority") as client:
        await client.test.imports.insert_one({"_id": 1})
        await asyncio.to_thread(runner.kill9)
        await asyncio.to_thread(runner.restart)
        assert await client.test.imports.find_one({"_id": 1}) == {"_id": 1}
        await client.test.imports.insert_one({"_id": 2})


async def test_mongodb_finds_its_data_when_its_port_has_changed(engines: Engines) -> None:
    runner = await asyncio.to_thread(engines.mongo)
    async with AsyncMongoClient[dict[str, Any]](runner.address, w="majority") as client:
        await client.test.imports.insert_one({"_id": 1})
    await asyncio.to_thread(runner.stop)
    runner.engine.port = own_port()
    await asyncio.to_thread(runner.start)
    url = runner.address.replace("&directConnection=true", "")  # finds the primary by the set's own configuration
    async with AsyncMongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=10_000) as client:
        assert await client.test.imports.find_one() == {"_id": 1}
