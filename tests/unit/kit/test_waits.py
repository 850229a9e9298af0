"""How long is waited for what cannot be had now, and when it is given up."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from kit.errors import (
    BudgetSpentError,
    CredentialRefusedError,
    ImportProblem,
    RateLimitError,
    ReauthRequiredError,
    UpstreamUnavailableError,
)
from records.waits import LIMIT_WAITS, MAX_WAIT, OUTAGE_WAITS, Waited, due_at, given_up, is_down

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def waits(problem: ImportProblem, chance: float = 0.0) -> list[timedelta]:
    """All of them, until it is given up."""
    found: list[timedelta] = []
    while (at := _again(problem, len(found), chance)) is not None and len(found) < 99:
        found.append(at - NOW)
    return found


def _again(problem: ImportProblem, times: int, chance: float) -> datetime | None:
    waited = Waited(times, times if is_down(problem) else 0)
    return due_at(problem, waited, NOW, chance, outage_waits=OUTAGE_WAITS)


def test_an_outage_after_many_limits_is_waited_for_as_the_first_one_and_not_for_ever() -> None:
    down = UpstreamUnavailableError("x")
    assert due_at(down, Waited(15, 0), NOW, 0.0, outage_waits=OUTAGE_WAITS) == NOW + OUTAGE_WAITS[0]
    assert due_at(down, Waited(50, 0), NOW, 0.0, outage_waits=OUTAGE_WAITS) is None


@pytest.mark.parametrize("told", [None, NOW - DAY, NOW, NOW + SECOND])
def test_a_limit_that_does_not_go_away_is_asked_about_less_and_less_often(told: datetime | None) -> None:
    found = waits(RateLimitError("x", retry_at=told))
    assert found[0] == SECOND
    assert found[1:8] == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 16 * MINUTE, 32 * MINUTE, HOUR]
    assert all(earlier <= later for earlier, later in pairwise(found))
    assert len(found) == LIMIT_WAITS
    assert sum(found, timedelta()) > 12 * HOUR


def test_a_limit_that_says_when_it_ends_is_waited_for_until_then() -> None:
    assert set(waits(RateLimitError("x", retry_at=NOW + 5 * HOUR))) == {5 * HOUR}
    assert set(waits(RateLimitError("x", retry_at=NOW + 90 * DAY))) == {MAX_WAIT}


def test_an_upstream_that_is_down_is_waited_for_longer_and_longer_whatever_it_asks_for() -> None:
    assert waits(UpstreamUnavailableError("x")) == list(OUTAGE_WAITS)
    assert waits(UpstreamUnavailableError("x", retry_at=NOW + SECOND)) == list(OUTAGE_WAITS)
    assert waits(CredentialRefusedError("x")) == list(OUTAGE_WAITS)
    assert waits(UpstreamUnavailableError("x", retry_at=NOW + 2 * MINUTE))[:3] == [2 * MINUTE, 2 * MINUTE, 5 * MINUTE]


def test_what_waits_for_the_same_thing_does_not_come_back_at_once() -> None:
    for problem in (RateLimitError("x"), UpstreamUnavailableError("x")):
        early, late = waits(problem), waits(problem, chance=0.99)
        assert len(early) == len(late)
        assert all(one < other < 1.25 * one for one, other in zip(early[1:], late[1:], strict=True))


def test_a_budget_is_waited_for_however_often() -> None:
    found = waits(BudgetSpentError("x", retry_at=NOW + MINUTE))
    assert (len(found), set(found)) == (99, {MINUTE})


def test_what_is_given_up_says_how_to_go_on_and_promises_nothing() -> None:
    for problem in (RateLimitError("x", retry_at=NOW), UpstreamUnavailableError("x"), CredentialRefusedError("x")):
        told = given_up(problem)
        assert (told.action, told.retry_at, told.error_code) == ("retry", None, problem.error_code)
        assert "by itself" not in str(told.body())
        assert problem.action != "retry", "what others wait for is not changed"
    held = ReauthRequiredError("GitHub", "github", "connection:ada:github")
    assert given_up(held) is held
