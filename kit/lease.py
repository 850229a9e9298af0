"""A lease in MongoDB: at most one holder over all processes, for a time, with a number that only grows.

A holder that outlives its lease is not stopped; whoever writes under a lease writes with a condition too (a version,
or the `fence`). Clocks of the processes may differ by less than a lease lasts.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import uuid4

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from kit.clock import Clock, utc_now
from kit.mongo import Collection


@asynccontextmanager
async def lease(leases: Collection, name: str, ttl: timedelta, *, now: Clock = utc_now) -> AsyncIterator[int | None]:
    """The fence, at least 1 and greater than every holder's before; None where somebody else holds the lease.

    Does not wait. Given back at the end, or after `ttl` where the holder died.
    """
    holder = uuid4()
    started = now()
    try:
        taken = await leases.find_one_and_update(
            {"_id": name, "until": {"$lte": started}},
            {"$set": {"holder": holder, "until": started + ttl}, "$inc": {"fence": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
    except DuplicateKeyError:  # it is there, and not free
        yield None
        return
    try:
        yield taken["fence"] if taken else None
    finally:
        # The document stays, or the fence would begin anew.
        await leases.update_one({"_id": name, "holder": holder}, {"$set": {"until": now()}})


async def take_turn(leases: Collection, name: str, now: datetime, every: timedelta) -> bool:
    """Take the turn of this name: True once in each `every`, over all processes."""
    try:
        await leases.update_one({"_id": name, "until": {"$lte": now}}, {"$set": {"until": now + every}}, upsert=True)
    except DuplicateKeyError:  # it exists, and is not over
        return False
    return True
