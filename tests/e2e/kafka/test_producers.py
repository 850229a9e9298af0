"""What a process publishes, when the broker refuses batches, or comes back without the latest ones."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from prometheus_client import REGISTRY

from deploy.local import Runner
from kit.kafka import make_broker, publishes_well
from kit.kafka.producer import publish_raw
from schemas.journey import Topic
from tests.conftest import Engines
from tests.e2e.kafka.faults import cut_power, refusing
from tests.e2e.kafka.rig import PARTITIONS, Rig
from tests.unit.kafka.fakes import Numbered

MANY = 48  # records on all partitions


@pytest.fixture
async def server(engines: Engines) -> Runner:
    return await asyncio.to_thread(engines.kafka)


@pytest.fixture
async def rig(server: Runner, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(server.address, topic_prefix, tmp_path) as made:
        yield made


@pytest.fixture
async def broker(rig: Rig) -> AsyncIterator[KafkaBroker]:
    """As the gateway and the scheduler have one."""
    made = make_broker(rig.kafka, client_id="publisher")
    await made.start()
    yield made
    await made.stop()


async def publish(broker: KafkaBroker, topic: str, numbers: range) -> list[BaseException | None]:
    """One after another, as requests come in."""

    async def one(n: int) -> None:
        event = Numbered.make(n, f"key{n}")
        await broker.publish(event, topic=topic)

    return [error for n in numbers for error in await asyncio.gather(one(n), return_exceptions=True)]


def topic(rig: Rig) -> Topic:
    return Topic(rig.topic, PARTITIONS, timedelta(days=1), 4_259_840)


def renewals() -> float:
    return REGISTRY.get_sample_value("thrive_producer_renewals_total", {"why": "numbering"}) or 0


async def test_after_batches_that_were_refused_everything_goes_out_again(rig: Rig, broker: KafkaBroker) -> None:
    before = renewals()
    assert await publish(broker, rig.topic, range(1, MANY)) == [None] * (MANY - 1)
    async with refusing(rig.kafka.kafka_bootstrap_servers, topic(rig)):
        refused = await publish(broker, rig.topic, range(1_000, 1_000 + MANY))
        assert all(isinstance(error, KafkaError) for error in refused)
    assert await publish(broker, rig.topic, range(MANY, 2 * MANY)) == [None] * MANY
    assert {event.n for event in await published(rig)} == set(range(1, 2 * MANY))
    assert renewals() > before
    assert publishes_well(broker)


async def test_after_a_power_cut_everything_goes_out_again(server: Runner, rig: Rig, broker: KafkaBroker) -> None:
    before = renewals()
    assert await publish(broker, rig.topic, range(1, MANY)) == [None] * (MANY - 1)
    assert await asyncio.to_thread(cut_power, server, rig.topic) == PARTITIONS
    await asyncio.to_thread(server.start)
    assert await publish(broker, rig.topic, range(MANY, 2 * MANY)) == [None] * MANY
    assert {event.n for event in await published(rig)} >= set(range(MANY, 2 * MANY))
    assert renewals() > before


async def test_raw_records_go_out_again_too_and_all_at_once(server: Runner, rig: Rig, broker: KafkaBroker) -> None:
    async def raw(n: int) -> None:
        event = Numbered.make(n, f"key{n}")
        await publish_raw(broker, rig.topic, value=event.model_dump_json().encode(), key=event.key, headers=())

    before = renewals()
    await asyncio.gather(*map(raw, range(1, MANY)))
    await asyncio.to_thread(cut_power, server, rig.topic)
    await asyncio.to_thread(server.start)
    await asyncio.gather(*map(raw, range(MANY, 2 * MANY)))
    assert {event.n for event in await published(rig)} >= set(range(MANY, 2 * MANY))
    assert renewals() - before <= 2, "one for all of them, and one more where a partition was late"


async def published(rig: Rig) -> list[Numbered]:
    return [Numbered.model_validate_json(record.value) for record in await rig.read(rig.topic)]


async def test_a_process_that_ends_while_kafka_is_away_ends_soon(server: Runner, rig: Rig) -> None:
    ending = make_broker(rig.kafka, client_id="ending")
    await ending.start()
    assert await publish(ending, rig.topic, range(1, 7)) == [None] * 6
    await asyncio.to_thread(server.kill9)
    waiting = asyncio.create_task(publish(ending, rig.topic, range(7, 8)))
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await ending.stop()
    waiting.cancel()
    await asyncio.wait({waiting})
