"""Commits that end after nobody waits for them any more."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import UnknownMemberIdError
from aiokafka.structs import OffsetAndMetadata

from kit.kafka import offsets

TP = TopicPartition("numbered", 0)


class Coordinator(GroupCoordinator):  # type: ignore[misc]
    """The client's own, on a broker that answers late that we are no member any more."""

    def __init__(self) -> None:
        self._commit_lock = asyncio.Lock()
        self._retry_backoff_ms = 1
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def ensure_coordinator_known(self) -> None:
        pass

    async def _do_commit_offsets(self, _assignment: Any, _offsets: Any) -> None:
        self.asked.set()
        await self.answer.wait()
        raise UnknownMemberIdError


@pytest.mark.parametrize("ours", [True, False])
async def test_how_a_commit_ended_that_nobody_waits_for_is_not_left_unasked(ours: bool) -> None:
    """The client's own commit does leave it, which shows that this test would notice."""
    unasked: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unasked.append(context["message"]))
    coordinator = Coordinator()
    subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=SimpleNamespace(tps={TP})))
    consumer: Any = SimpleNamespace(_coordinator=coordinator, _subscription=subscription)
    if ours:
        committing = asyncio.create_task(offsets.commit(consumer, {TP: (1, "")}))
    else:
        committing = asyncio.create_task(coordinator.commit_offsets(None, {TP: OffsetAndMetadata(1, "")}))
    await coordinator.asked.wait()
    committing.cancel()
    await asyncio.wait([committing])
    coordinator.answer.set()
    del committing
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert unasked == ([] if ours else ["Task exception was never retrieved"])
