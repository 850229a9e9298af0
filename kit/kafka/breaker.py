"""The circuit breaker: stop taking work when the fault is ours and not the work's.

`BAD` is a bug or an engine of ours that is away. When at least `ratio` of the last `window` verdicts are bad, it opens:
nothing is polled and no attempt starts. After `cooldown` one attempt probes; a good verdict closes it, a bad one
begins another cooldown.

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
        self._probing = False

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
    def wants_work(self) -> bool:
        """Whether `admit` would say yes."""
        return self.state is State.CLOSED or (self.state is State.HALF_OPEN and not self._probing)

    def admit(self) -> bool:
        """Whether one more attempt may start. In half-open state the one that may is the probe."""
        if not self.wants_work:
            return False
        self._probing = self.state is State.HALF_OPEN
        return True

    def withdraw(self) -> None:
        """An admitted attempt ended without a verdict."""
        self._probing = False

    def record(self, verdict: Verdict) -> None:
        self._probing = False
        self._poison = self._poison + 1 if verdict is Verdict.POISON else 0
        if verdict is not Verdict.POISON:
            self._bad.append(verdict is Verdict.BAD)
        state = self.state
        if state is State.OPEN:
            return  # the verdict of an attempt that began before it opened
        if state is State.HALF_OPEN and verdict is not Verdict.BAD:
            # Of poison, the next windows pass as fast as ever: a pause is due for each ten, not for each record.
            self._opened_at = None
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
