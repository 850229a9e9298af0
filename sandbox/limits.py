"""Budgets of calls per caller and window, as GitHub, YouTube and OpenAI keep them."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

HOUR = 3_600.0
_PACIFIC = ZoneInfo("America/Los_Angeles")
_BY_THE_DAY = "youtube"  # budgets of this name, or of parts of it, begin anew at midnight Pacific time


@dataclass(frozen=True)
class Limit:
    """Units that one caller has per window. Generous until a test says otherwise."""

    authenticated: int = 5_000_000
    anonymous: int = 5_000_000
    window: float | None = None  # seconds; None: as the service has it


@dataclass(slots=True)
class Budget:
    limit: int
    reset: int  # UTC epoch seconds, as GitHub announces it
    used: int = 0
    refused: int = 0  # calls that were too many
    exceeded: bool = False  # the latest call was one of them

    @property
    def remaining(self) -> int:
        return self.limit - self.used


class Limits:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._limits: dict[str, Limit] = {}
        self._budgets: dict[tuple[str, str], Budget] = {}

    def set(self, upstream: str, **values: float | None) -> Limit:
        """Changes an upstream's limit and gives every caller a fresh budget."""
        self._limits[upstream] = replace(self._limits.get(upstream, Limit()), **values)  # type: ignore[arg-type]
        self._budgets = {key: budget for key, budget in self._budgets.items() if key[0] != upstream}
        return self._limits[upstream]

    def spend(self, upstream: str, caller: str, *, authenticated: bool, cost: int = 1) -> Budget:
        """Takes `cost` (0 only looks) and returns the caller's budget; `exceeded` says that there was not enough."""
        budget = self._budgets.get((upstream, caller))
        now = self._clock()
        if budget is None or now >= budget.reset:
            limit = self._limits.get(upstream, Limit())
            allowed = limit.authenticated if authenticated else limit.anonymous
            budget = Budget(allowed, _reset(upstream, limit, now))
            self._budgets[(upstream, caller)] = budget
        budget.exceeded = budget.used + cost > budget.limit
        if budget.exceeded:
            budget.refused += 1
        else:
            budget.used += cost
        return budget

    def reset(self) -> None:
        self._limits.clear()
        self._budgets.clear()

    def described(self) -> dict[str, Any]:
        return {upstream: asdict(limit) for upstream, limit in self._limits.items()}

    def spent(self, upstream: str) -> dict[str, dict[str, Any]]:
        """{caller: {limit, reset, used, refused}} of the window that each is in."""
        return {
            caller: {"limit": one.limit, "reset": one.reset, "used": one.used, "refused": one.refused}
            for (name, caller), one in self._budgets.items()
            if name == upstream
        }


def _reset(upstream: str, limit: Limit, now: float) -> int:
    if limit.window is not None or upstream.partition(".")[0] != _BY_THE_DAY:
        return math.ceil(now + (HOUR if limit.window is None else limit.window))
    midnight = datetime.fromtimestamp(now, _PACIFIC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((midnight + timedelta(days=1)).timestamp())
