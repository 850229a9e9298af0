"""The collection `leases`: at most one holder of each name over all processes (`kit.lease`)."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

from kit import lease as leases
from kit.clock import Clock, utc_now
from kit.mongo import Database


def lease(db: Database, name: str, ttl: timedelta, *, now: Clock = utc_now) -> AbstractAsyncContextManager[int | None]:
    """Take the lease without waiting. Yields its fence, or None where another process holds it."""
    return leases.lease(db["leases"], name, ttl, now=now)


async def take_turn(db: Database, name: str, now: datetime, every: timedelta) -> bool:
    """Take the turn of this name: True once in each `every`, over all processes."""
    return await leases.take_turn(db["leases"], name, now, every)
