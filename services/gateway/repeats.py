"""A request that is sent again with its Idempotency-Key is answered by what it made the first time.

A member's key names one request, whatever it imports: single imports and batches are looked through alike.
"""

import asyncio
from typing import Protocol

from kit.mongo import Database, Document
from services.gateway.errors import IdempotencyConflictError
from services.gateway.identity import Caller

KEYED = ("imports", "batches")  # records with `user_id`, `idempotency_key` and `fingerprint`


class Repeatable(Protocol):
    """`fingerprint` differs between any two requests that ask for different things."""

    @property
    def caller(self) -> Caller: ...
    @property
    def idempotency_key(self) -> str | None: ...
    @property
    def fingerprint(self) -> str: ...


async def repeated(db: Database, new: Repeatable) -> Document | None:
    """What this request made before. Raises `IdempotencyConflictError` where its key was another request's."""
    if new.idempotency_key is None:
        return None
    mine = {"user_id": new.caller.user_id, "idempotency_key": new.idempotency_key}
    found = await asyncio.gather(*(db[name].find_one(mine) for name in KEYED))
    records = [record for record in found if record]
    for record in records:
        if record["fingerprint"] == new.fingerprint:
            return record
    if records:
        raise IdempotencyConflictError("This Idempotency-Key was sent before, with another request.")
    return None
