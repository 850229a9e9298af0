"""Slots that several processes share: never more calls than there are slots, whoever gives some back meanwhile."""

import asyncio

import pytest

from kit.budgets import Slots
from kit.budgets.slots import SlotPool
from kit.mongo import Database
from tests.e2e.budgets.conftest import Clock


@pytest.mark.parametrize("turns", range(6))
async def test_a_call_that_comes_while_slots_are_given_back_has_one_of_its_own(
    db: Database, clock: Clock, turns: int
) -> None:
    """The loop turns so often before the call comes; somewhere among them the report is under way."""
    pool = SlotPool(Slots("test.slots", "Example", 1), "app", db["budgets"], "one", clock)
    await pool.take()
    pool.release()
    await pool.report()  # keeps the slot, which was needed just now
    giving_back = asyncio.create_task(pool.report())
    for _ in range(turns):
        await asyncio.sleep(0)
    await pool.take()
    await giving_back
    entry = await db.budgets.find_one({"_id": "test.slots/app"})
    assert entry is not None
    assert [(holder["name"], holder["held"]) for holder in entry["holders"]] == [("one", 1)]


async def test_slots_are_had_again_after_a_report_that_failed(db: Database, clock: Clock) -> None:
    pool = SlotPool(Slots("test.slots", "Example", 2), "app", db["budgets"], "one", clock)
    await pool.take()
    reporting = asyncio.create_task(pool.report())
    await asyncio.sleep(0)
    reporting.cancel()
    await asyncio.wait([reporting])
    async with asyncio.timeout(10):
        await pool.take()
    entry = await db.budgets.find_one({"_id": "test.slots/app"})
    assert entry is not None
    assert [holder["held"] for holder in entry["holders"]] == [2]
