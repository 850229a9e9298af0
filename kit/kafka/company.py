"""Who may run beside whom in this process, over all its subscribers.

Most records do not mind company. One that was under way when its process died, again and again, is run with few
beside it and in the end alone, so that a further death can be its fault only. A subscriber whose next record waits for
such company has its turn before the others start anything new.
"""

import sys
from collections import Counter
from typing import Protocol

ANY = sys.maxsize  # company, for a record that does not mind


class Starter(Protocol):
    """A subscriber's slots."""

    def pump(self) -> None: ...


class Company:
    def __init__(self) -> None:
        self._running = 0
        self._limits: Counter[int] = Counter()  # of those that run and do mind
        self._waiting: dict[Starter, None] = {}  # in the order in which they came

    def admits(self, starter: Starter, limit: int) -> bool:
        """Whether one more may run that bears `limit` running in all, itself included."""
        if next(iter(self._waiting), starter) is not starter:
            fits = False
        else:
            fits = self._running < min(limit, *self._limits, ANY)
        if not fits:
            self._waiting.setdefault(starter)
        return fits

    def withdraw(self, starter: Starter) -> None:
        """It waits no more."""
        self._waiting.pop(starter, None)

    def enter(self, limit: int) -> None:
        self._running += 1
        if limit != ANY:
            self._limits[limit] += 1

    def leave(self, limit: int) -> None:
        self._running -= 1
        if limit != ANY:
            self._limits -= Counter((limit,))
        for starter in list(self._waiting):
            starter.pump()
