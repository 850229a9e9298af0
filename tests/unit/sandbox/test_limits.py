from datetime import datetime

import pytest

from sandbox.limits import Limits


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_caller_has_so_many_calls_until_the_announced_reset() -> None:
    clock = Clock()
    limits = Limits(clock)
    limits.set("github", anonymous=2, window=30)
    spent = [limits.spend("github", "203.0.113.7", authenticated=False).exceeded for _ in range(3)]
    assert spent == [False, False, True]
    budget = limits.spend("github", "203.0.113.7", authenticated=False)
    assert (budget.remaining, budget.reset) == (0, 1_030)
    clock.now = 1_029.9
    assert limits.spend("github", "203.0.113.7", authenticated=False).exceeded
    clock.now = 1_030
    assert not limits.spend("github", "203.0.113.7", authenticated=False).exceeded


def test_callers_do_not_share_a_budget_and_a_credential_has_its_own_limit() -> None:
    limits = Limits(Clock())
    limits.set("github", anonymous=1, authenticated=3)
    assert limits.spend("github", "203.0.113.7", authenticated=False).remaining == 0
    assert limits.spend("github", "203.0.113.8", authenticated=False).remaining == 0
    assert limits.spend("github", "token", authenticated=True).remaining == 2


def test_what_does_not_fit_is_refused_and_counted_while_less_still_fits() -> None:
    limits = Limits(Clock())
    limits.set("youtube", authenticated=10)
    taken = [limits.spend("youtube", "key", authenticated=True, cost=cost).exceeded for cost in (8, 3, 2, 1)]
    assert taken == [False, True, False, True]
    assert limits.spent("youtube")["key"] | {"reset": 0} == {"limit": 10, "reset": 0, "used": 10, "refused": 2}
    assert limits.spent("github") == {}


@pytest.mark.parametrize(
    ("now", "reset"),
    [
        ("2026-11-23T08:00:00+00:00", "2026-11-24T08:00:00+00:00"),
        ("2026-11-24T07:59:59+00:00", "2026-11-24T08:00:00+00:00"),
        ("2026-10-31T12:00:00+00:00", "2026-11-01T07:00:00+00:00"),
        ("2026-11-01T12:00:00+00:00", "2026-11-02T08:00:00+00:00"),  # a day of 25 hours
    ],
)
def test_quota_of_youtube_begins_anew_at_midnight_pacific_time(now: str, reset: str) -> None:
    clock = Clock()
    clock.now = datetime.fromisoformat(now).timestamp()
    budget = Limits(clock).spend("youtube", "key", authenticated=True)
    assert budget.reset == datetime.fromisoformat(reset).timestamp()


def test_looking_costs_nothing_and_setting_gives_everybody_a_fresh_budget() -> None:
    limits = Limits(Clock())
    limits.set("youtube", authenticated=1)
    limits.spend("youtube", "key", authenticated=True)
    assert limits.spend("youtube", "key", authenticated=True, cost=0).remaining == 0
    limits.set("youtube", authenticated=1)
    assert limits.spend("youtube", "key", authenticated=True, cost=0).remaining == 1
