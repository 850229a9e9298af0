"""What the end of a sync changes in its source."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from kit.errors import (
    BudgetSpentError,
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    ReauthRequiredError,
    UpstreamUnavailableError,
)
from kit.mongo import Document
from records.sources.outcome import SyncOutcome
from records.sources.record import Frequency, Identity, Reason, SourceState, new_source, sync_requested
from records.sources.transitions import FIRST_LIMITS, next_after, rescheduled, source_after_sync
from schemas.events import Options

NOW = datetime(2026, 3, 14, 15, 9, 26, 535_000, tzinfo=UTC)
DAY = timedelta(days=1)
OK = SyncOutcome(SourceState.OK)
FAILED = SyncOutcome(SourceState.FAILING, "It did not answer.")
LIMITED = SyncOutcome(None, "The limit resets at 16:00 UTC.", NOW + timedelta(hours=1))


def source(**changes: Any) -> Document:
    record = new_source(
        Identity("ada", "github", "https://github.com/a/b"),
        display_name="a/b",
        frequency=Frequency.DAILY,
        options=Options(),
        now=NOW,
    )
    return record | changes


def test_the_same_due_time_is_the_same_event() -> None:
    one, other = sync_requested(source()), sync_requested(source())
    assert one == other
    assert one.id == one.import_id
    assert sync_requested(source(next_sync_at=NOW + DAY)).id != one.id


def test_a_success_ends_what_was_wrong_and_leads_to_the_next_slot() -> None:
    changes = source_after_sync(source(failures=7, state="failing", state_reason="x", task_id=uuid4()), OK, NOW)
    assert (changes["state"], changes["failures"], changes["state_reason"]) == (SourceState.OK, 0, None)
    assert changes["last_synced_at"] == changes["last_checked_at"] == NOW
    assert NOW + DAY / 2 < changes["next_sync_at"] <= NOW + 1.5 * DAY
    assert (changes["next_reason"], changes["task_id"]) == (Reason.INTERVAL, None)


def test_failures_are_counted_and_waited_for_longer_and_longer() -> None:
    record, pauses = source(), []
    for _ in range(12):
        record |= source_after_sync(record, FAILED, NOW)
        pauses.append(record["next_sync_at"] - NOW)
    assert record["failures"] == 12
    assert (record["state"], record["state_reason"], record["next_reason"]) == ("failing", FAILED.reason, "retry")
    assert record["last_synced_at"] is None
    assert pauses[:7] == sorted(pauses[:7])
    assert max(pauses) <= DAY


@pytest.mark.parametrize("state", [s for s in SourceState if s not in (SourceState.OK, SourceState.FAILING)])
@pytest.mark.parametrize("frequency", [Frequency.DAILY, Frequency.WEEKLY])
def test_what_has_a_name_is_synced_daily(state: SourceState, frequency: Frequency) -> None:
    changes = source_after_sync(source(sync_frequency=frequency), SyncOutcome(state, "why"), NOW)
    assert (changes["state"], changes["state_reason"], changes["next_reason"]) == (state, "why", Reason.RETRY)
    assert NOW < changes["next_sync_at"] <= NOW + DAY


def test_a_limit_says_nothing_about_the_source_and_its_first_sync_is_still_to_come() -> None:
    task_id = uuid4()
    changes = source_after_sync(source(task_id=task_id), LIMITED, NOW)
    assert (changes["state"], changes["failures"], changes["next_reason"]) == (SourceState.OK, 0, Reason.LIMIT)
    assert LIMITED.retry_at
    assert LIMITED.retry_at <= changes["next_sync_at"] <= LIMITED.retry_at + timedelta(hours=1)
    assert "task_id" not in changes


@pytest.mark.parametrize("quiet", [{"sync_frequency": "manual"}, {"sync_enabled": False}])
@pytest.mark.parametrize("ended", [OK, FAILED, LIMITED, SyncOutcome(SourceState.GONE)])
def test_nothing_syncs_unasked_what_is_manual_or_switched_off(quiet: Document, ended: SyncOutcome) -> None:
    changes = source_after_sync(source(**quiet), ended, NOW)
    assert (changes["next_sync_at"], changes["emit_at"]) == (None, None)


@pytest.mark.parametrize(
    ("problem", "state"),
    [
        (ContentNotFoundError("x"), SourceState.GONE),
        (IntegrationAuthError("x"), SourceState.REVOKED),
        (ReauthRequiredError("GitHub", "github", "connection:ada:github"), SourceState.NEEDS_REAUTH),
        (UpstreamUnavailableError("x"), SourceState.FAILING),
        (BudgetSpentError("x", retry_at=NOW), None),
    ],
)
def test_an_error_says_what_has_become_of_the_source(problem: ImportProblem, state: SourceState | None) -> None:
    ended = SyncOutcome.of_problem(problem)
    assert (ended.state, ended.reason, ended.retry_at) == (state, problem.error, problem.retry_at)


def test_what_was_learnt_is_added_and_a_name_that_its_owner_gave_stays() -> None:
    learnt = SyncOutcome(SourceState.OK, metadata={"b": 2}, cursor={"m": 1}, display_name="New", url="https://x/new")
    changes = source_after_sync(source(metadata={"a": 1}, cursor={"old": 1}), learnt, NOW)
    assert (changes["metadata"], changes["cursor"]) == ({"a": 1, "b": 2}, {"m": 1})
    assert (changes["display_name"], changes["url"], changes["source_identifier"]) == ("New", *2 * ("https://x/new",))
    assert "source_identifier" not in source_after_sync(source(source_identifier="77"), learnt, NOW), (
        "a name of its own stays"
    )
    assert "display_name" not in source_after_sync(source(named=True), learnt, NOW)


def test_another_frequency_moves_the_next_sync_but_never_one_that_is_due_or_a_retry() -> None:
    later = source(next_sync_at=NOW + 5 * DAY, emit_at=NOW + 5 * DAY, sync_frequency="daily")
    assert NOW < rescheduled(later, NOW)["next_sync_at"] <= NOW + DAY
    assert rescheduled(source(next_sync_at=NOW), NOW) == {}
    assert rescheduled(source(next_sync_at=NOW + DAY, state="failing"), NOW) == {}
    assert rescheduled(later | {"sync_enabled": False}, NOW)["next_sync_at"] is None
    assert rescheduled(source(sync_enabled=False, emit_at=NOW + DAY), NOW) == {}, "it has begun"
    assert rescheduled(source(next_sync_at=None), NOW)["next_reason"] == Reason.INTERVAL


def test_the_next_sync_can_be_told_before_it_is_written() -> None:
    record = source()
    changes = source_after_sync(record, OK, NOW)
    assert next_after(record, SourceState.OK, 0, NOW)[1] == changes["next_reason"]


# Limits in a row


def limited(retry_at: datetime, *, by: type[RateLimitError] = RateLimitError) -> SyncOutcome:
    return SyncOutcome.of_problem(by("A limit.", retry_at=retry_at))


def test_a_limit_that_does_not_go_away_is_asked_about_less_and_less_often_until_a_day() -> None:
    record, pauses = source(), []
    for _ in range(15):
        record |= source_after_sync(record, limited(NOW - DAY), NOW)
        pauses.append(record["next_sync_at"] - NOW)
    assert timedelta(seconds=30) <= pauses[0] <= timedelta(minutes=1)
    assert pauses == sorted(pauses)
    assert pauses[-1] == DAY
    assert (record["state"], record["failures"], record["limits"]) == (SourceState.OK, 0, 15)
    record |= source_after_sync(record, OK, NOW)
    assert record["limits"] == 0


def test_our_own_ledgers_limits_do_not_count() -> None:
    record = source()
    for _ in range(15):
        record |= source_after_sync(record, limited(NOW + timedelta(minutes=1), by=BudgetSpentError), NOW)
    assert record["limits"] == 0
    assert record["next_sync_at"] <= NOW + timedelta(minutes=2)


def test_a_first_sync_that_somebody_waits_for_does_not_wait_much_longer_than_a_short_limit() -> None:
    waited_for = source(task_id=uuid4())
    changes = source_after_sync(waited_for, limited(NOW + timedelta(minutes=1)), NOW)
    assert changes["next_sync_at"] <= NOW + timedelta(seconds=66)


def test_a_task_does_not_wait_for_ever_for_a_limit_that_does_not_go_away() -> None:
    record, waited = source(task_id=uuid4()), timedelta()
    while record["task_id"] is not None:
        record |= source_after_sync(record, limited(NOW), NOW)
        waited += record["next_sync_at"] - NOW
    assert record["limits"] == FIRST_LIMITS
    assert waited > timedelta(hours=4)
    assert record["next_sync_at"] is not None, "it is still followed"


# Gone for long


def test_since_when_something_is_gone_is_remembered_until_it_is_seen() -> None:
    record = source()
    record |= source_after_sync(record, SyncOutcome(SourceState.GONE, "x"), NOW)
    record |= source_after_sync(record, FAILED, NOW + DAY)
    record |= source_after_sync(record, SyncOutcome(SourceState.GONE, "x"), NOW + 2 * DAY)
    assert record["gone_since"] == NOW
    record |= source_after_sync(record, OK, NOW + 3 * DAY)
    assert (record["gone_since"], record["hidden"]) == (None, False)
