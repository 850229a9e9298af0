"""The circuit breaker: stop taking work when the fault is ours and not the work's.

`BAD` is a bug or an engine of ours that is away. When at least `ratio` of the last `window` verdicts are bad, it opens:
nothing is polled and no attempt starts. After `cooldown` one attempt probes; a good verdict closes it, a bad one
begins another cooldown. Each attempt has a permit, and the probe's is the only one of its time: when it ends without a
verdict, the next attempt probes.

`POISON`, a record that cannot be read, is the record's fault: parking it loses nothing and must not hold up the
others, so it counts as neither. Only when ten windows in a row hold nothing else (a producer that is newer than we
are, a wrong topic) does the breaker open as well, before a whole topic is moved into the dead letters.
"""

import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum, StrEnum

POISON_WINDOWS = 10


class Verdict(StrEnum):
    GOOD = "good"
    BAD = "bad"
    POISON = "poison"


class State(IntEnum):
    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Permit:
    """The right to one attempt. Whoever holds it must `end` it, however the attempt ended."""

    __slots__ = ("_breaker",)

    def __init__(self, breaker: "Breaker") -> None:
        self._breaker = breaker

    def end(self) -> None:
        self._breaker.ended(self)


class Breaker:
    def __init__(
        self, window: int, ratio: float, cooldown: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`cooldown` in seconds."""
        self._bad: deque[bool] = deque(maxlen=window)
        self._ratio = ratio
        self._cooldown = cooldown
        self._clock = clock
        self._poison = 0  # in a row
        self._opened_at: float | None = None
        self._closed_at = clock()
        self._probe: Permit | None = None

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return State.CLOSED
        return State.OPEN if self.reopens_in > 0 else State.HALF_OPEN

    @property
    def reopens_in(self) -> float:
        """Seconds until a probe may run."""
        return 0.0 if self._opened_at is None else max(0.0, self._opened_at + self._cooldown - self._clock())

    @property
    def closed_for(self) -> float:
        """Seconds since it closed, 0 while it is not."""
        return self._clock() - self._closed_at if self._opened_at is None else 0.0

    @property
    def unjudged_for(self) -> float:
        """Seconds for which a probe has been due or under way: any verdict would have closed or reopened it."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._clock() - self._opened_at - self._cooldown)

    @property
    def wants_work(self) -> bool:
        """Whether `admit` would say yes."""
        return self.state is State.CLOSED or (self.state is State.HALF_OPEN and self._probe is None)

    def admit(self) -> Permit | None:
        """A permit if one more attempt may start. In half-open state the one that may is the probe."""
        if not self.wants_work:
            return None
        permit = Permit(self)
        if self.state is State.HALF_OPEN:
            self._probe = permit
        return permit

    def ended(self, permit: Permit) -> None:
        if permit is self._probe:
            self._probe = None

    def record(self, verdict: Verdict) -> None:
        self._poison = self._poison + 1 if verdict is Verdict.POISON else 0
        if verdict is not Verdict.POISON:
            self._bad.append(verdict is Verdict.BAD)
        state = self.state
        if state is State.OPEN:
            return  # the verdict of an attempt that began before it opened
        if state is State.HALF_OPEN and verdict is not Verdict.BAD:
            # Of poison, the next windows pass as fast as ever: a pause is due for each ten, not for each record.
            self._opened_at = self._probe = None
            self._closed_at = self._clock()
            self._poison = 0
            self._bad.clear()
        elif self._trips(state, verdict):
            self._opened_at = self._clock()

    def _trips(self, state: State, verdict: Verdict) -> bool:
        window = self._bad.maxlen or 0
        if self._poison >= POISON_WINDOWS * window:
            return True
        if state is State.HALF_OPEN:
            return verdict is Verdict.BAD
        return len(self._bad) == window and sum(self._bad) >= self._ratio * window
