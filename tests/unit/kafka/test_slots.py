import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from aiokafka import TopicPartition

from kit.kafka.company import ANY, Company
from kit.kafka.partition import Lane, Partition
from kit.kafka.slots import Abandoned, Slot, Slots
from tests.unit.kafka.fakes import record


class Bench:
    """Slots whose starts are only noted."""

    def __init__(self, limit: int, company: Company | None = None) -> None:
        self.open = True
        self.refused = 0
        self.started: list[tuple[Lane, Slot]] = []
        self.bear: dict[int, int] = {}  # company, by offset
        self.ended = 0
        self.slots = Slots(limit, self._admit, self._start, company or Company(), self._bears)
        self.partition = Partition(TopicPartition("t", 0))

    def _start(self, lane: Lane, slot: Slot) -> None:
        self.started.append((lane, slot))

    def _bears(self, lane: Lane) -> int:
        return self.bear.get(lane.queue[0].offset, ANY)

    def _admit(self) -> "Bench | None":
        self.refused += not self.open
        return self if self.open else None

    def end(self) -> None:
        """An attempt has given its permission back."""
        self.ended += 1

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


async def test_whatever_ends_an_attempt_gives_its_permission_back_once() -> None:
    bench = Bench(1)
    bench.offer(0, b"a")
    slot = bench.started[0][1]
    await slot.pause(0, bench.partition.gone)
    assert bench.ended == 1
    slot.release()
    slot.release()
    assert bench.ended == 2


async def test_who_bears_no_company_runs_alone_in_the_process() -> None:
    company = Company()
    first, second = Bench(10, company), Bench(10, company)
    first.bear[1] = 1
    for offset in range(3):
        first.offer(offset, None)
    second.offer(0, None)
    assert first.running == [0], "it waits until nothing runs"
    assert second.running == [], "and the others wait for it, or it would wait for ever"
    first.finish()
    assert (first.running, second.running) == ([1], [])
    first.finish()
    assert (first.running, second.running) == ([2], [0])


async def test_few_bear_few() -> None:
    bench = Bench(10)
    bench.bear = {1: 2, 2: 2}
    for offset in range(4):
        bench.offer(offset, None)
    assert bench.running == [0, 1]
    bench.finish()
    assert bench.running == [1, 2]
    bench.finish()
    bench.finish()
    assert bench.running == [3]


async def test_who_left_the_queue_keeps_nobody_waiting() -> None:
    company = Company()
    first, second = Bench(10, company), Bench(10, company)
    first.bear[1] = 1
    first.offer(0, None)
    first.offer(1, None)
    second.offer(0, None)
    assert second.running == []
    first.partition.abandon()
    first.slots.pump()
    second.slots.pump()
    assert second.running == [0]


async def test_who_waits_for_its_turn_again_bears_what_it_bore() -> None:
    bench = Bench(10)
    bench.bear[0] = 1
    bench.offer(0, b"a")
    bench.offer(1, b"b")
    slot = bench.started[0][1]
    assert bench.running == [0]
    pause = asyncio.create_task(slot.pause(0, bench.partition.gone))
    await turns(lambda: len(bench.started) == 2)
    assert not slot.held
    bench.finish(1)
    await pause
    bench.offer(2, b"c")
    assert bench.running == [0]
