"""The daily spend caps on a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import openai
import pytest
from openai.types import CompletionUsage

from deploy.local import free_port
from kit.errors import AnalysisFailedError
from kit.mongo import Database
from sandbox.running import running
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.spend import Spend, SpendCapError
from tests.databases import made
from tests.unit.analyzer.items import item
from tests.unit.analyzer.test_model import model_at

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MILLION = 1_000_000


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


def spend_of(db: Database, now: datetime = NOW, **changes: Any) -> Spend:
    """A dollar for a million tokens, of which each member may spend 10 a day, and all 100."""
    values = {"openai_input_price": 1, "openai_output_price": 2, "openai_daily_usd_per_member": 10}
    settings = AnalyzerSettings.model_validate({**values, "openai_daily_usd": 100, **changes})
    return Spend(db, settings, clock=lambda: now)


async def pay(spend: Spend, user_id: str = "ada", dollars: int = 1, *, used: int | None = None) -> bool:
    """One call; whether it was allowed."""
    try:
        async with spend.paying(user_id, input_tokens=dollars * MILLION, output_tokens=0) as bill:
            if used is not None:
                bill.usage = CompletionUsage(prompt_tokens=used * MILLION, completion_tokens=0, total_tokens=0)
    except SpendCapError:
        return False
    return True


async def test_a_member_spends_up_to_the_cap_and_no_further(db: Database) -> None:
    spend = spend_of(db)
    assert [await pay(spend, dollars=4) for _ in range(3)] == [True, True, False]


async def test_calls_at_the_same_time_in_many_processes_do_not_exceed_the_cap(db: Database) -> None:
    processes = [spend_of(db) for _ in range(4)]
    allowed = await asyncio.gather(*(pay(processes[i % 4]) for i in range(60)))
    assert sum(allowed) == 10


async def test_all_members_together_do_not_exceed_the_cap_of_all(db: Database) -> None:
    processes = [spend_of(db) for _ in range(4)]
    allowed = await asyncio.gather(*(pay(processes[i % 4], f"member {i % 30}") for i in range(180)))
    assert 90 <= sum(allowed) <= 100  # a batch that is refused as a whole costs somebody a try, and nobody money


async def test_one_member_at_the_cap_does_not_keep_others_from_theirs(db: Database) -> None:
    spend = spend_of(db)
    allowed = await asyncio.gather(*(pay(spend, user) for user in ["ada"] * 30 + ["bob"] * 5))
    assert sum(allowed[:30]) == 10
    assert all(allowed[30:])


async def test_what_a_call_did_not_cost_is_there_for_the_next(db: Database) -> None:
    spend = spend_of(db)
    assert [await pay(spend, dollars=9, used=1) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("nonsense", [None, -5 * MILLION, 10**30, "many"])
async def test_an_account_of_the_model_that_makes_no_sense_is_not_believed(db: Database, nonsense: Any) -> None:
    spend = spend_of(db)
    async with spend.paying("ada", input_tokens=9 * MILLION, output_tokens=0) as bill:
        bill.usage = CompletionUsage.model_construct(prompt_tokens=nonsense, completion_tokens=1, total_tokens=1)
    assert [await pay(spend) for _ in range(2)] == [True, False]


async def test_a_call_that_the_model_refused_costs_nothing(db: Database) -> None:
    spend = spend_of(db)
    response = httpx2.Response(500, request=httpx2.Request("POST", "http://x"))
    with pytest.raises(openai.InternalServerError):
        async with spend.paying("ada", input_tokens=10 * MILLION, output_tokens=0):
            raise openai.InternalServerError("no", response=response, body=None)
    assert await pay(spend, dollars=10)


async def test_a_call_that_was_not_answered_in_time_counts_as_made(db: Database) -> None:
    spend = spend_of(db)
    with pytest.raises(openai.APITimeoutError):
        async with spend.paying("ada", input_tokens=10 * MILLION, output_tokens=0):
            raise openai.APITimeoutError(httpx2.Request("POST", "http://x"))
    assert not await pay(spend)


@pytest.mark.parametrize("kind", ["timeout", "reset", "truncated"])
async def test_a_call_of_the_models_client_that_nobody_answers_counts_as_made(db: Database, kind: str) -> None:
    spend = spend_of(db)
    async with running() as sandbox, model_at(sandbox, spend, openai_timeout=0.5) as model:
        await sandbox.fault("openai", kind)
        with pytest.raises(AnalysisFailedError):
            await model.analyse("ada", item())
    await spend.settle()
    account = await db.model_spend.find_one({"_id": f"{NOW:%Y-%m-%d}/ada"})
    assert account
    assert account["micro"] > 0


async def test_a_call_of_the_models_client_that_reaches_nobody_costs_nothing(db: Database) -> None:
    spend = spend_of(db)
    async with model_at(f"http://127.0.0.1:{free_port()}/v1", spend) as model:
        with pytest.raises(AnalysisFailedError):
            await model.analyse("ada", item())
    await spend.settle()
    assert [account["micro"] async for account in db.model_spend.find()] == [0, 0]


async def test_a_member_at_the_cap_does_not_use_up_what_all_may_spend(db: Database) -> None:
    assert await pay(spend_of(db, openai_daily_usd=12), "ada", 10)
    refusing = [spend_of(db, openai_daily_usd=12) for _ in range(2)]
    assert not any([await pay(one, "ada") for one in refusing])
    assert await pay(spend_of(db, openai_daily_usd=12), "bob", 2)


async def test_tries_that_were_refused_take_no_room_from_the_ones_after_them(db: Database) -> None:
    full = spend_of(db, openai_daily_usd=12)
    assert await pay(full, "ada", 10)
    assert not any([await pay(spend_of(db, openai_daily_usd=12), "bob", 3) for _ in range(8)])
    assert await pay(spend_of(db, openai_daily_usd=12), "bob", 2)


async def test_what_a_call_really_cost_is_there_for_other_processes_once_it_is_settled(db: Database) -> None:
    one, other = spend_of(db), spend_of(db)
    assert await pay(one, dollars=9, used=1)
    assert not await pay(other, dollars=9)
    await one.settle()
    assert await pay(spend_of(db), dollars=9)


async def test_the_next_day_begins_anew(db: Database) -> None:
    assert await pay(spend_of(db), dollars=10)
    assert not await pay(spend_of(db))
    assert await pay(spend_of(db, NOW + timedelta(days=1)), dollars=10)


async def test_a_call_that_is_dearer_than_the_cap_is_never_made(db: Database) -> None:
    assert not await pay(spend_of(db), dollars=11)
    assert await db.model_spend.count_documents({}) == 0
