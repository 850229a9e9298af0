"""The collection `budgets`: how much of each upstream's limit is left (`kit.budgets`)."""

import asyncio
from collections.abc import Awaitable, Callable

from kit.budgets import Budgets
from kit.clock import Clock, utc_now
from kit.mongo import Database


def open_budgets(
    db: Database, *, clock: Clock = utc_now, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> Budgets:
    """This process's share of the budgets; close it to return what is not spent."""
    return Budgets(db["budgets"], clock=clock, sleep=sleep)
