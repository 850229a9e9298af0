"""Whom an upstream turns away: an account, or whoever asks for one thing.

A refusal that does not say that the account's units are gone may be about what was asked for. Only where another thing
is refused as well, and nothing was answered in between, it is the account's; so a thing that is refused for ever closes
an upstream for nobody. It is asked for less and less often itself, whoever wants it. In memory: each process learns it
by a call of its own.
"""

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.backoff import backoff

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=6)
MOST_THINGS = 10_000  # that are remembered at once
JITTER = 0.25

Account = tuple[str, str]  # a bucket's name, and the account


@dataclass(slots=True)
class _Refused:
    times: int
    until: datetime


class TurnedAway:
    """`chance` (in [0, 1)) is there for tests."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._things: OrderedDict[tuple[Account, str], _Refused] = OrderedDict()
        self._since_an_answer: dict[Account, str] = {}  # the thing that was refused since the account's last answer

    def until(self, account: Account, thing: str, now: datetime) -> datetime | None:
        """The time until which nobody is to ask for it, if there is one."""
        refused = self._things.get((account, thing))
        return refused.until if refused and refused.until > now else None

    def refused(self, account: Account, thing: str, until: datetime, now: datetime) -> bool:
        """The upstream asked to wait until then. Whether that is about the account, and no more about the thing."""
        before = self._since_an_answer.setdefault(account, thing)
        if before != thing:
            for one in (before, thing):
                self._things.pop((account, one), None)
            return True
        known = self._things.pop((account, thing), None)
        if known and known.until > now:  # of the same moment
            self._things[account, thing] = _Refused(known.times, max(known.until, until))
            return False
        times = known.times + 1 if known else 1
        pause = backoff(times - 2, FIRST_PAUSE, LONGEST_PAUSE) if times > 1 else timedelta(0)
        self._things[account, thing] = _Refused(times, max(until, now + pause * (1 + JITTER * self._chance())))
        if len(self._things) > MOST_THINGS:
            self._things.popitem(last=False)
        return False

    def answered(self, account: Account, thing: str) -> None:
        self._since_an_answer.pop(account, None)
        if self._things:
            self._things.pop((account, thing), None)
