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


def test_looking_costs_nothing_and_setting_gives_everybody_a_fresh_budget() -> None:
    limits = Limits(Clock())
    limits.set("youtube", authenticated=1)
    limits.spend("youtube", "key", authenticated=True)
    assert limits.spend("youtube", "key", authenticated=True, cost=0).remaining == 0
    limits.set("youtube", authenticated=1)
    assert limits.spend("youtube", "key", authenticated=True, cost=0).remaining == 1
