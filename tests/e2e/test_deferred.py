"""The deferred store on a real MongoDB."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.errors import BudgetSpentError, RateLimitError, ReauthRequiredError, UpstreamUnavailableError
from kit.mongo import Database, Document
from records import deferred
from records.deferred import OUTAGES_HEADER, WAITS_HEADER
from records.imports import State, pending, reopen
from records.stage_failures import StageFailures
from schemas.events import ContentFetched, Event, Options
from tests.databases import made
from tests.unit.kit.records import IMPORT_ID, URL, USER_ID, record

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


async def nothing(_event: Event) -> None:
    raise AssertionError("nothing is to be published")


def imported(**changes: Any) -> Document:
    record = pending(
        task_id=IMPORT_ID,
        user_id=USER_ID,
        url=URL,
        integration="github",
        options=Options(),
        released=True,
        now=NOW,
    )
    return record | changes


async def test_a_message_comes_back_to_the_byte_when_it_is_due(db: Database) -> None:
    await deferred.defer(db, record(b"\x00raw", headers=(("ce_id", b"\xff"),)), due_at=NOW, reason="RATE_LIMIT")
    assert await deferred.claim(db, NOW - MINUTE) == []
    (message,) = await deferred.claim(db, NOW)
    assert message["topic"] == ContentFetched.topic
    assert (bytes(message["key"]), bytes(message["value"])) == (record().key, b"\x00raw")
    assert [(name, bytes(value)) for name, value in message["headers"]] == [("ce_id", b"\xff"), (WAITS_HEADER, b"1")]


async def test_a_redelivered_record_waits_once(db: Database) -> None:
    await deferred.defer(db, record(), due_at=NOW, reason="x")
    await deferred.defer(db, record(), due_at=NOW + MINUTE, reason="x")
    assert await db.deferred.count_documents({}) == 1


async def test_every_wait_is_counted(db: Database) -> None:
    again = record(headers=((WAITS_HEADER, b"4"),))
    await deferred.defer(db, again, due_at=NOW, reason="x")
    (message,) = await deferred.claim(db, NOW)
    assert message["headers"] == [[WAITS_HEADER, b"5"]]


async def test_outages_are_counted_in_a_row_and_limits_do_not_use_them_up(db: Database) -> None:
    failures, soon = StageFailures("fetcher", db, nothing), datetime.now(UTC) + timedelta(days=2)
    limit, down = RateLimitError("A limit."), UpstreamUnavailableError("It is down.")
    headers: tuple[tuple[str, bytes], ...] = ()
    for problem, outages in [*[(limit, None)] * 7, (down, b"1"), (down, b"2"), (limit, None), (down, b"1")]:
        await failures.defer(record(headers=headers), problem)
        (message,) = await deferred.claim(db, soon)
        headers = tuple((name, bytes(value)) for name, value in message["headers"])
        assert dict(headers).get(OUTAGES_HEADER) == outages
        await db.deferred.delete_many({})
    assert dict(headers)[WAITS_HEADER] == b"11"


async def test_what_waits_for_a_budget_waits_however_often_and_is_no_nearer_to_its_last_wait(db: Database) -> None:
    soon = datetime.now(UTC) + MINUTE
    again = record(headers=((WAITS_HEADER, b"50"),))
    await StageFailures("fetcher", db, nothing).defer(again, BudgetSpentError("All spent.", retry_at=soon))
    (message,) = await deferred.claim(db, soon)
    assert message["headers"] == [[WAITS_HEADER, b"50"]]


async def test_the_oldest_are_claimed_first_and_no_more_than_asked(db: Database) -> None:
    for offset in range(5):
        await deferred.defer(db, record(offset=offset), due_at=NOW - offset * MINUTE, reason="x")
    claimed = await deferred.claim(db, NOW, limit=2)
    assert [message["due_at"] for message in claimed] == [NOW - 4 * MINUTE, NOW - 3 * MINUTE]


async def test_what_one_relay_has_in_hand_no_other_gets_until_its_claim_runs_out(db: Database) -> None:
    await deferred.defer(db, record(), due_at=NOW, reason="x")
    first = await deferred.claim(db, NOW)
    assert await deferred.claim(db, NOW) == []
    late = NOW + deferred.CLAIM + MINUTE
    second = await deferred.claim(db, late)
    assert len(second) == 1
    await deferred.mark_sent(db, first)  # the first relay wakes up: the message is no longer its to remove
    assert await db.deferred.count_documents({}) == 1
    await deferred.mark_sent(db, second)
    assert await db.deferred.count_documents({}) == 0


async def test_a_rate_limit_waits_until_its_reset_and_its_owner_reads_why(db: Database) -> None:
    await db.imports.insert_one(imported(progress=0))
    failures = StageFailures("fetcher", db, nothing)
    reset = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
    await failures.defer(record(), RateLimitError("GitHub's limit resets at 03:10 UTC.", retry_at=reset))
    (message,) = await deferred.claim(db, reset)
    assert message["reason"] == "RATE_LIMIT"
    shown = await db.imports.find_one({"_id": IMPORT_ID})
    assert shown is not None
    assert shown["message"] == "GitHub's limit resets at 03:10 UTC."
    assert shown["deferred_until"] == reset
    assert shown["state"] == State.PROCESSING
    assert shown["progress"] == 1, "the import was requested, whether the projector has read that or not"
    assert shown["version"] == 2


async def test_what_waits_for_a_consent_looks_again_by_itself_and_its_owner_reads_what_to_do(db: Database) -> None:
    await db.imports.insert_one(imported(progress=0))
    failures = StageFailures("fetcher", db, nothing)
    problem = ReauthRequiredError("YouTube", "youtube", "connection:ada:youtube")
    waits = []
    for waited in range(5):
        before = datetime.now(UTC)
        await failures.defer(record(offset=waited, headers=((WAITS_HEADER, str(waited).encode()),)), problem)
        kept = await db.deferred.find_one({"_id": f"{ContentFetched.topic}/0/{waited}"})
        assert kept is not None
        waits.append(round((kept["due_at"] - before).total_seconds() / 60))
    assert waits == [1, 15, 360, 1_440, 1_440]
    shown = await db.imports.find_one({"_id": IMPORT_ID})
    assert shown is not None
    assert shown["state"] == State.PROCESSING
    assert shown["message"].startswith("YouTube access has expired or was revoked. Connect YouTube again")


@pytest.mark.parametrize("changes", [{"active": False, "progress": 1}, {"progress": 2}, {"user_id": "another member"}])
async def test_an_import_that_is_over_or_further_or_anothers_is_not_touched_by_a_late_deferral(
    db: Database, changes: dict[str, Any]
) -> None:
    before = imported(**changes)
    await db.imports.insert_one(before)
    await StageFailures("fetcher", db, nothing).defer(record(), UpstreamUnavailableError("GitHub does not answer."))
    assert await db.imports.find_one({"_id": IMPORT_ID}) == before


async def test_a_replay_opens_a_failed_import_again_and_no_other(db: Database) -> None:
    await db.imports.insert_one(imported(state=State.FAILED, error={"error": "x"}))
    assert not await reopen(db, IMPORT_ID, "another member")
    assert await reopen(db, IMPORT_ID, USER_ID)
    assert not await reopen(db, IMPORT_ID, USER_ID)
    shown = await db.imports.find_one({"_id": IMPORT_ID})
    assert shown is not None
    assert (shown["state"], shown["attempt"]) == (State.PROCESSING, 2)
    assert "error" not in shown
