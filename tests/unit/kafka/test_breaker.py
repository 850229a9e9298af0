from kit.kafka.breaker import POISON_WINDOWS, Breaker, State, Verdict


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def make(window: int = 4, ratio: float = 0.75) -> tuple[Breaker, Clock]:
    clock = Clock()
    return Breaker(window, ratio, 10, clock=clock), clock


def state(breaker: Breaker) -> State:
    return breaker.state


def feed(breaker: Breaker, *verdicts: Verdict) -> None:
    for verdict in verdicts:
        breaker.record(verdict)


def opened() -> tuple[Breaker, Clock]:
    breaker, clock = make()
    feed(breaker, *[Verdict.BAD] * 4)
    assert state(breaker) is State.OPEN
    return breaker, clock


def test_it_opens_at_the_ratio_of_a_full_window() -> None:
    breaker, _ = make()
    feed(breaker, Verdict.BAD, Verdict.BAD, Verdict.BAD)
    assert state(breaker) is State.CLOSED
    feed(breaker, Verdict.GOOD)
    assert state(breaker) is State.OPEN
    assert not breaker.admit()


def test_it_stays_closed_below_the_ratio() -> None:
    breaker, _ = make()
    feed(breaker, *[Verdict.BAD, Verdict.GOOD] * 10)
    assert state(breaker) is State.CLOSED


def test_after_the_cooldown_one_probe_runs_and_closes_it() -> None:
    breaker, clock = opened()
    clock.now += 9.9
    assert not breaker.admit()
    clock.now += 0.1
    assert breaker.admit()
    assert not breaker.admit()
    breaker.record(Verdict.GOOD)
    assert state(breaker) is State.CLOSED
    feed(breaker, Verdict.BAD, Verdict.BAD)
    assert state(breaker) is State.CLOSED


def test_a_failed_probe_begins_another_cooldown() -> None:
    breaker, clock = opened()
    clock.now += 10
    assert breaker.admit()
    breaker.record(Verdict.BAD)
    assert state(breaker) is State.OPEN
    assert breaker.reopens_in == 10


def test_a_probe_without_a_verdict_makes_room_for_the_next() -> None:
    breaker, clock = opened()
    clock.now += 10
    probe = breaker.admit()
    assert probe
    assert not breaker.admit()
    probe.end()
    assert breaker.admit()


def test_an_attempt_that_is_no_probe_makes_no_room_for_a_second_one() -> None:
    breaker, clock = make()
    before = breaker.admit()
    assert before
    feed(breaker, *[Verdict.BAD] * 4)
    clock.now += 10
    assert breaker.admit()
    before.end()
    assert not breaker.admit()


def test_it_tells_for_how_long_no_probe_has_had_a_verdict() -> None:
    breaker, clock = opened()
    clock.now += 10
    assert breaker.admit()
    clock.now += 500
    assert breaker.unjudged_for == 500
    breaker.record(Verdict.BAD)
    assert breaker.unjudged_for == 0
    assert breaker.closed_for == 0
    clock.now += 10
    breaker.record(Verdict.GOOD)
    clock.now += 3
    assert (breaker.unjudged_for, breaker.closed_for) == (0, 3)


def test_verdicts_of_attempts_that_began_before_it_opened_change_nothing() -> None:
    breaker, _ = opened()
    feed(breaker, *[Verdict.GOOD] * 4)
    assert state(breaker) is State.OPEN


def test_failures_of_attempts_that_began_before_it_opened_do_not_put_off_the_probe() -> None:
    breaker, clock = opened()
    clock.now += 4
    feed(breaker, *[Verdict.BAD] * 4)
    assert breaker.reopens_in == 6


def test_poison_neither_opens_it_nor_hides_what_is_bad() -> None:
    breaker, _ = make()
    feed(breaker, *[Verdict.POISON] * 20)
    assert state(breaker) is State.CLOSED
    feed(breaker, *[Verdict.BAD, Verdict.POISON] * 4)
    assert state(breaker) is State.OPEN


def test_nothing_but_poison_for_ten_windows_opens_it() -> None:
    breaker, clock = make()
    feed(breaker, *[Verdict.POISON] * (POISON_WINDOWS * 4 - 1), Verdict.GOOD)
    feed(breaker, *[Verdict.POISON] * (POISON_WINDOWS * 4 - 1))
    assert state(breaker) is State.CLOSED
    breaker.record(Verdict.POISON)
    assert state(breaker) is State.OPEN
    clock.now += 10
    assert breaker.admit()
    breaker.record(Verdict.POISON)
    assert state(breaker) is State.CLOSED, "it was parked, so what stands behind it is not held up for ever"
