"""Budgets of calls per caller and window, as GitHub, YouTube and OpenAI keep them."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Limit:
    """Calls that one caller has per window. Generous until a test says otherwise."""

    authenticated: int = 5_000_000
    anonymous: int = 5_000_000
    window: float = 3600.0  # seconds


@dataclass(slots=True)
class Budget:
    limit: int
    used: int
    reset: int  # UTC epoch seconds, as GitHub announces it

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit


class Limits:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._limits: dict[str, Limit] = {}
        self._budgets: dict[tuple[str, str], Budget] = {}

    def set(self, upstream: str, **values: float) -> Limit:
        """Changes an upstream's limit and gives every caller a fresh budget."""
        self._limits[upstream] = replace(self._limits.get(upstream, Limit()), **values)  # type: ignore[arg-type]
        self._budgets = {key: budget for key, budget in self._budgets.items() if key[0] != upstream}
        return self._limits[upstream]

    def spend(self, upstream: str, caller: str, *, authenticated: bool, cost: int = 1) -> Budget:
        """Takes `cost` (0 only looks) and returns the caller's budget; `exceeded` says that it was not enough."""
        budget = self._budgets.get((upstream, caller))
        if budget is None or self._clock() >= budget.reset:
            limit = self._limits.get(upstream, Limit())
            allowed = limit.authenticated if authenticated else limit.anonymous
            budget = Budget(allowed, 0, math.ceil(self._clock() + limit.window))
            self._budgets[(upstream, caller)] = budget
        budget.used = min(budget.used + cost, budget.limit + 1)
        return budget

    def reset(self) -> None:
        self._limits.clear()
        self._budgets.clear()

    def described(self) -> dict[str, Any]:
        return {upstream: asdict(limit) for upstream, limit in self._limits.items()}
