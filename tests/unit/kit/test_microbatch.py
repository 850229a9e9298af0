"""Many calls, one round trip."""

import asyncio

import pytest

from kit.microbatch import MicroBatcher


class Store:
    """Doubles numbers; refuses negative ones by themselves and whole batches that hold a zero. `gate` holds it up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.running = 0
        self.flushing = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def flush(self, numbers: list[int]) -> list[int | Exception]:
        self.running += 1
        assert self.running == 1, "one flush at a time"
        self.batches.append(numbers)
        self.flushing.set()
        try:
            await self.gate.wait()
            if 0 in numbers:
                raise ConnectionError("the store is away")
            return [number * 2 if number > 0 else ValueError(number) for number in numbers]
        finally:
            self.running -= 1


async def test_a_call_alone_is_not_kept_waiting() -> None:
    store = Store()
    assert await MicroBatcher(store.flush)(1) == 2
    assert store.batches == [[1]]


async def test_each_gets_its_own_result_or_error() -> None:
    results = await asyncio.gather(*map(MicroBatcher(Store().flush), (1, -2, 3)), return_exceptions=True)
    assert results[0] == 2
    assert isinstance(results[1], ValueError)
    assert results[2] == 6


async def test_what_arrives_during_a_flush_goes_together_into_the_next() -> None:
    store = Store()
    batch = MicroBatcher(store.flush)
    store.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(batch(1))
        await store.flushing.wait()
        for number in (2, 3, 4):
            tasks.create_task(batch(number))
        await asyncio.sleep(0)
        store.gate.set()
    assert store.batches == [[1], [2, 3, 4]]


async def test_a_batch_has_its_largest_size() -> None:
    store = Store()
    batch = MicroBatcher(store.flush, max_size=2)
    assert await asyncio.gather(*map(batch, range(1, 6))) == [2, 4, 6, 8, 10]
    assert [len(one) for one in store.batches] == [2, 2, 1]


async def test_one_item_that_spoils_its_batch_fails_alone() -> None:
    store = Store()
    batch = MicroBatcher(store.flush, max_size=2)
    results = await asyncio.gather(*map(batch, (0, 1, 2, 3)), return_exceptions=True)
    assert [isinstance(result, ConnectionError) for result in results] == [True, False, False, False]
    assert await batch(5) == 10, "and the next one is tried"


async def test_a_caller_that_gives_up_takes_nobody_with_it() -> None:
    store = Store()
    batch = MicroBatcher(store.flush)
    store.gate.clear()
    impatient, patient = asyncio.create_task(batch(1)), asyncio.create_task(batch(2))
    await store.flushing.wait()
    impatient.cancel()
    store.gate.set()
    assert await patient == 4
    with pytest.raises(asyncio.CancelledError):
        await impatient
