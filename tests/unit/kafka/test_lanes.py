import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from aiokafka import TopicPartition

from kit.kafka.lanes import Abandoned, Lane, Slot, Slots
from kit.kafka.partition import Partition
from tests.unit.kafka.fakes import record


class Bench:
    """Slots whose starts are only noted."""

    def __init__(self, limit: int) -> None:
        self.open = True
        self.refused = 0
        self.started: list[tuple[Lane, Slot]] = []
        self.slots = Slots(limit, self._admit, lambda lane, slot: self.started.append((lane, slot)))
        self.partition = Partition(TopicPartition("t", 0))

    def _admit(self) -> bool:
        self.refused += not self.open
        return self.open

    def offer(self, offset: int, key: bytes | None) -> None:
        if lane := self.partition.offer(record(b"", offset=offset, key=key)):
            self.slots.add(lane)

    def finish(self, at: int = 0) -> None:
        lane, slot = self.started.pop(at)
        if more := self.partition.complete(lane, lane.queue[0]):
            self.slots.add(more)
        slot.release()

    @property
    def running(self) -> list[int]:
        return [lane.queue[0].offset for lane, _ in self.started]


async def turns(reached: Callable[[], bool]) -> None:
    """Let the event loop turn until it is so."""
    while not reached():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def test_one_key_runs_one_record_at_a_time_in_order() -> None:
    bench = Bench(10)
    for offset, key in enumerate((b"a", b"a", b"b", b"a")):
        bench.offer(offset, key)
    assert bench.running == [0, 2]
    bench.finish(0)
    assert bench.running == [2, 1]


async def test_records_without_a_key_run_side_by_side() -> None:
    bench = Bench(10)
    for offset in range(3):
        bench.offer(offset, None)
    assert bench.running == [0, 1, 2]


async def test_no_more_run_than_there_are_slots_and_a_hot_key_starves_nobody() -> None:
    bench = Bench(1)
    for offset, key in enumerate((b"hot", b"hot", b"hot", b"cold")):
        bench.offer(offset, key)
    order = []
    while bench.started:
        order += bench.running
        bench.finish()
    assert order == [0, 3, 1, 2]


async def test_nothing_starts_while_it_is_not_admitted() -> None:
    bench = Bench(2)
    bench.open = False
    bench.offer(0, b"a")
    assert bench.running == []
    bench.open = True
    bench.slots.pump()
    assert bench.running == [0]


async def test_an_abandoned_partition_starts_nothing_more() -> None:
    bench = Bench(1)
    for offset in range(3):
        bench.offer(offset, None)
    bench.partition.abandon()
    bench.finish()
    assert bench.running == []
    assert bench.slots.busy == 0


async def test_a_back_off_gives_the_slot_to_others_and_waits_for_its_turn() -> None:
    bench = Bench(1)
    bench.offer(0, b"a")
    bench.offer(1, b"b")
    slot = bench.started[0][1]
    pause = asyncio.create_task(slot.pause(0, bench.partition.gone))
    await turns(lambda: len(bench.started) == 2)
    assert bench.running == [0, 1]
    assert not slot.held
    bench.finish(1)
    await pause
    assert slot.held
    assert bench.slots.busy == 1


@pytest.mark.parametrize("seconds", [0, 3_600])
async def test_revocation_ends_a_back_off_at_once(seconds: float) -> None:
    bench = Bench(1)
    bench.offer(0, b"a")
    slot = bench.started[0][1]
    if not seconds:
        bench.open = False  # the sleep is over, the turn does not come
    pause = asyncio.create_task(slot.pause(seconds, bench.partition.gone))
    await turns(lambda: not slot.held if seconds else bench.refused > 0)
    bench.partition.abandon()
    with pytest.raises(Abandoned):
        await pause
    slot.release()
    bench.open = True
    bench.slots.pump()
    assert bench.slots.busy == 0


@pytest.mark.parametrize("seconds", [0, 3_600])
async def test_a_cancelled_back_off_leaks_no_slot(seconds: float) -> None:
    bench = Bench(1)
    bench.offer(0, b"a")
    slot = bench.started[0][1]
    bench.open = False
    pause = asyncio.create_task(slot.pause(seconds, bench.partition.gone))
    await turns(lambda: not slot.held if seconds else bench.refused > 0)
    pause.cancel()
    with suppress(asyncio.CancelledError):
        await pause
    slot.release()
    bench.open = True
    bench.slots.pump()
    assert bench.slots.busy == 0
