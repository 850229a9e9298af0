"""Kafka itself is killed under load."""

import asyncio
from pathlib import Path

import pytest

from tests.conftest import Engines
from tests.e2e.kafka.rig import Rig, numbered, order_faults


@pytest.mark.chaos
async def test_kill_9_of_the_broker_loses_nothing(engines: Engines, topic_prefix: str, tmp_path: Path) -> None:
    broker = await asyncio.to_thread(engines.kafka)
    async with Rig(broker.address, topic_prefix, tmp_path) as rig:
        await rig.produce(numbered(1_000, keys=100))
        for _ in range(2):
            rig.spawn(mean_seconds=0.2)
        await rig.until_noted(200, "end")
        await asyncio.to_thread(broker.kill9)
        await asyncio.to_thread(broker.restart)
        await rig.until_committed()
        published = await rig.published()
        assert {event.n for event in published} == set(range(1, 1_001))
        assert order_faults(published) == []
        for member in rig.members:
            assert await member.terminate() == 0
