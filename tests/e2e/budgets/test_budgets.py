"""Budgets that several processes share: never overdrawn, used up, given back, and reset in time."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from prometheus_client import REGISTRY

from kit.budgets import Budgets, Charge, Slots, Spending
from kit.errors import BudgetSpentError, RateLimitError, UpstreamUnavailableError
from kit.http import Response
from kit.mongo import Database
from records.budgets import open_budgets
from tests.e2e.budgets.conftest import (
    HOUR,
    Clock,
    Counting,
    answer,
    bucket,
    charge,
    counted,
    spend,
    spend_all,
    upstream,
)

New = Callable[[], Budgets]
SECOND = timedelta(seconds=1)


async def test_processes_share_one_budget_to_its_last_unit(process: New) -> None:
    calls = await asyncio.gather(*(spend_all(process(), charge(bucket(1_000))) for _ in range(8)))
    assert sum(calls) == 1_000


async def test_calls_that_cost_more_leave_no_more_than_they_cannot_use(process: New) -> None:
    calls = await asyncio.gather(*(spend_all(process(), charge(bucket(100), 7)) for _ in range(3)))
    assert sum(calls) == 14


def exchanges() -> float:
    labels = {"bucket": "test.units", "work": "interactive"}
    return REGISTRY.get_sample_value("thrive_budget_exchanges_total", labels) or 0


async def test_a_call_does_not_ask_the_ledger(process: New) -> None:
    budgets, paid, asked = process(), charge(bucket(1_000_000)), exchanges()
    for _ in range(10_000):
        await spend(budgets, paid)
    assert exchanges() - asked < 20


async def test_of_many_who_ask_in_vain_at_once_one_asks_the_ledger(process: New) -> None:
    paid = charge(bucket(10))
    await spend_all(process(), paid)
    asked = exchanges()
    late = process()
    refused = await asyncio.gather(*(spend(late, paid) for _ in range(100)), return_exceptions=True)
    assert all(isinstance(error, BudgetSpentError) for error in refused)
    assert exchanges() == asked + 1


async def test_what_is_gone_waits_for_the_reset_and_says_when(process: New, clock: Clock) -> None:
    budgets, paid = process(), charge(bucket(10))
    assert await spend_all(budgets, paid) == 10
    with pytest.raises(RateLimitError, match=r"Example's limit resets at 13:00 UTC\.") as refusal:
        await spend(budgets, paid)
    assert refusal.value.retry_at == clock.now + HOUR + 2 * SECOND
    clock.now = refusal.value.retry_at
    assert await spend_all(budgets, paid) == 10


async def test_while_it_is_gone_nobody_asks_the_ledger_for_each_call(process: New, db: Database) -> None:
    budgets, paid = process(), charge(bucket(10))
    await spend_all(budgets, paid)
    await db.budgets.delete_many({})
    for _ in range(100):
        with pytest.raises(RateLimitError):
            await spend(budgets, paid)
    assert await db.budgets.count_documents({}) == 0


async def test_who_would_come_back_in_vain_waits_for_a_later_reset(process: New, clock: Clock) -> None:
    budgets, paid = process(), charge(bucket(10))
    await spend_all(budgets, paid)
    waits = []
    for _ in range(25):
        with pytest.raises(BudgetSpentError) as refusal:
            await spend(budgets, paid)
        assert refusal.value.retry_at
        waits.append(round((refusal.value.retry_at - clock.now) / HOUR))
    assert (waits.count(1), waits.count(2), waits.count(3)) == (9, 10, 6)  # one was refused before


async def test_an_answer_that_is_free_costs_nothing_and_is_not_counted(process: New) -> None:
    budgets, paid = process(), charge(bucket(10, free=lambda response: response.status == 304))
    for _ in range(25):
        await spend(budgets, paid, lambda: answer(304))
    assert not paid.spent
    assert await spend_all(budgets, paid) == paid.spent["test.units"] == 10


async def test_a_sync_leaves_the_reserve_to_those_who_wait(process: New) -> None:
    budgets, units = process(), bucket(100, reserve=0.2)
    assert await spend_all(budgets, charge(units, interactive=False)) == 80
    assert await spend_all(budgets, charge(units, interactive=True)) == 20


async def test_a_process_that_ends_returns_what_it_did_not_spend(process: New) -> None:
    first, second, paid = process(), process(), charge(bucket(100))
    await spend(first, paid)
    await first.aclose()
    assert await spend_all(second, paid) == 99


async def test_a_process_that_is_idle_returns_what_it_did_not_spend(process: New, clock: Clock, db: Database) -> None:
    await spend(process(), charge(bucket(1_000)))
    clock.pass_(5 * SECOND)
    async with asyncio.timeout(10):
        while not await db.budgets.find_one({"taken": 1}):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_call_that_did_not_happen_costs_nothing(process: New) -> None:
    def refuse(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no")

    budgets, units = process(), bucket(10)
    http = upstream(httpx2.MockTransport(refuse), budgets)
    with pytest.raises(UpstreamUnavailableError):
        await http.get("http://up.example/", service="x", charge=charge(units))
    assert await spend_all(budgets, charge(units)) == 10


async def test_every_attempt_of_a_call_is_paid_for(process: New) -> None:
    budgets, units = process(), bucket(10)
    http = upstream(httpx2.MockTransport(lambda _: httpx2.Response(503)), budgets)
    with pytest.raises(UpstreamUnavailableError):
        await http.get("http://up.example/", service="x", charge=charge(units))
    assert await spend_all(budgets, charge(units)) == 6


async def test_a_call_that_broke_off_counts_as_made(process: New) -> None:
    budgets, units = process(), bucket(10)
    with pytest.raises(TimeoutError):
        async with Spending(budgets, charge(units)):
            raise TimeoutError
    assert await spend_all(budgets, charge(units)) == 9


async def test_a_call_under_way_at_the_reset_is_paid_from_both_windows(process: New, clock: Clock) -> None:
    budgets, units = process(), bucket(10)
    async with Spending(budgets, charge(units)) as spending:
        clock.pass_(HOUR + 3 * SECOND)
        assert await spend_all(budgets, charge(units)) == 9
        spending.answered(answer())


async def test_others_who_spend_the_same_credential_are_noticed(process: New) -> None:
    api = Counting(100, used=90)
    assert await spend_all(process(), charge(bucket(100, read=counted)), api) == 10


async def test_a_limit_that_the_upstream_tells_replaces_ours(process: New) -> None:
    assert await spend_all(process(), charge(bucket(10, read=counted)), Counting(500)) == 500


async def test_what_a_dead_process_held_comes_back_where_the_upstream_counts(process: New, clock: Clock) -> None:
    dead, alive, paid, api = process(), process(), charge(bucket(1_000, read=counted)), Counting(1_000)
    await spend(dead, paid, api)  # and holds the rest of its block
    clock.pass_(61 * SECOND)
    assert await spend_all(alive, paid, api) == 999


async def test_units_that_others_hold_are_not_free_where_the_upstream_counts(process: New) -> None:
    holding, other, paid, api = process(), process(), charge(bucket(100, read=counted)), Counting(100)
    await spend(holding, paid, api)
    await spend(other, paid, api)
    await spend_all(other, paid, api)
    await spend_all(holding, paid, api)
    assert api.used == 100


async def test_answers_that_overtake_one_another_never_make_calls_that_are_too_many(db: Database) -> None:
    chance, api = random.Random(4), Counting(2_000, reset=datetime.now(UTC) + HOUR)
    processes, paid = [open_budgets(db) for _ in range(8)], charge(bucket(500, read=counted))

    async def work(budgets: Budgets) -> None:
        with pytest.raises(BudgetSpentError):
            while True:
                async with Spending(budgets, paid) as spending:
                    await asyncio.sleep(chance.random() / 100)
                    response = api()
                    await asyncio.sleep(chance.random() / 100)
                    spending.answered(response)

    await asyncio.gather(*(work(budgets) for budgets in processes for _ in range(10)))
    assert api.used >= 0.97 * 2_000
    for budgets in processes:
        await budgets.aclose()


async def test_calls_whose_answers_do_not_tell_count_as_well(process: New) -> None:
    budgets, paid = process(), charge(bucket(100, read=counted))
    await spend(budgets, paid, Counting(100, used=39))
    assert await spend_all(budgets, paid) == 60


async def test_an_answer_that_is_late_does_not_bring_units_back(process: New) -> None:
    budgets, paid = process(), charge(bucket(100, read=counted))
    await spend(budgets, paid, Counting(100, used=89))
    await spend(budgets, paid, Counting(100, used=9))
    assert await spend_all(budgets, paid) <= 10


async def test_the_upstreams_reset_is_the_one_that_counts(process: New, clock: Clock) -> None:
    budgets, paid = process(), charge(bucket(10, read=counted))
    await spend(budgets, paid, Counting(10, used=9, reset=clock.now + timedelta(seconds=60)))
    with pytest.raises(RateLimitError) as refusal:
        await spend(budgets, paid)
    assert refusal.value.retry_at == clock.now + timedelta(seconds=60)
    clock.pass_(timedelta(seconds=63))
    await spend(budgets, paid)


def wrong_by(difference: timedelta) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + difference


async def test_a_clock_that_is_far_ahead_puts_off_nobodys_reset(db: Database) -> None:
    """MongoDB's clock tells whose is right, so all are real here."""
    strange, budgets, paid = open_budgets(db, clock=wrong_by(timedelta(days=30))), open_budgets(db), charge(bucket(10))
    await spend(strange, paid)
    assert await spend_all(budgets, paid) > 0
    with pytest.raises(RateLimitError) as refusal:
        await spend(budgets, paid)
    assert refusal.value.retry_at
    assert refusal.value.retry_at <= datetime.now(UTC) + HOUR + 2 * SECOND
    await strange.aclose()
    await budgets.aclose()


async def test_a_clock_that_is_far_behind_begins_no_new_window(db: Database) -> None:
    strange, budgets, paid = (
        open_budgets(db, clock=wrong_by(timedelta(days=-30))),
        open_budgets(db),
        charge(bucket(100)),
    )
    calls = 0
    for _ in range(3):
        await spend(budgets, paid)
        await strange.purse(paid.costs[0][0], "app", interactive=True).report()
        await budgets.purse(paid.costs[0][0], "app", interactive=True).report()
        calls += 1
    assert calls + await spend_all(budgets, paid) == 100
    await strange.aclose()
    await budgets.aclose()


def until_one(response: Response, now: datetime) -> datetime | None:
    return now + HOUR if response.status == 429 else None


async def test_whom_the_upstream_turns_away_nobody_asks_for_before_it_is_time(
    process: New, clock: Clock, db: Database
) -> None:
    one, other, paid = process(), process(), charge(bucket(100, limited_until=until_one))
    await spend(one, paid, lambda: answer(429))
    with pytest.raises(RateLimitError):
        await spend(one, paid)
    await one.aclose()
    with pytest.raises(RateLimitError) as refusal:
        await spend(other, paid)
    assert refusal.value.retry_at == clock.now + HOUR
    await spend(other, charge(bucket(100), account="someone else's"))


async def test_a_short_wait_is_sat_out(process: New, clock: Clock) -> None:
    def soon(_response: Response, now: datetime) -> datetime:
        return now + 3 * SECOND

    budgets, paid, began = process(), charge(bucket(100, limited_until=soon)), clock.now
    await spend(budgets, paid, lambda: answer(429))
    await spend(budgets, paid)
    assert clock.now == began + 3 * SECOND


async def test_under_contention_no_member_takes_more_than_a_fair_share(process: New, clock: Clock) -> None:
    budgets, units = process(), bucket(100, fair=True)
    await spend(budgets, charge(units, user="bob"))
    greedy = 0
    with pytest.raises(RateLimitError, match="your share is used up"):
        while True:
            await spend(budgets, charge(units, user="ada"))
            greedy += 1
            clock.pass_(SECOND / 20)
            if greedy % 10 == 0:
                await budgets.purse(units, "app", interactive=True).report()
    assert 50 <= greedy < 60
    for _ in range(30):
        await spend(budgets, charge(units, user="bob"))


async def test_without_contention_one_member_takes_it_all(process: New) -> None:
    assert await spend_all(process(), charge(bucket(100, fair=True), user="ada")) == 100


async def test_a_process_that_fails_to_reach_the_ledger_keeps_what_it_holds(process: New, db: Database) -> None:
    budgets, paid = process(), charge(bucket(10_000))
    await spend(budgets, paid)
    await db.budgets.drop()
    await spend(budgets, paid)


class Crowd:
    """Calls that are under way until they are let go."""

    def __init__(self) -> None:
        self.under_way = self.most = 0
        self.full, self.go = asyncio.Event(), asyncio.Event()

    async def call(self, budgets: Budgets, paid: Charge) -> None:
        async with Spending(budgets, paid) as spending:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            if self.under_way == 5:
                self.full.set()
            await self.go.wait()
            self.under_way -= 1
            spending.answered(answer())


async def test_no_more_calls_are_under_way_than_there_are_slots(db: Database) -> None:
    paid = Charge("app", (), Slots("test.slots", "Example", 5))
    crowd, processes = Crowd(), [open_budgets(db) for _ in range(3)]
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            for budgets in processes:
                tasks.create_task(crowd.call(budgets, paid))
        await crowd.full.wait()
        crowd.go.set()
    assert crowd.most == 5
    for budgets in processes:
        await budgets.aclose()
    entry = await db.budgets.find_one({"_id": "test.slots/app"})
    assert entry is not None
    assert entry["holders"] == []
