"""Answer a request that is sent again with its Idempotency-Key by the task that it created, or joined, before.

A member's key names one request, whatever it imports: single imports and batches are looked through alike. A record
holds the `keys` of all requests that it answers for, each with the fingerprint of what it asked for; the index on them
lets no two records of a member hold the same key.

Imports and batches have an index each. So while a request is carried out its key is held (`held_keys`): of two
different ones that come at once, one is refused before it makes anything.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from kit.errors import ImportProblem
from kit.mongo import Database, Document
from records import held_keys
from records.held_keys import KeyOfMember
from services.gateway.auth.caller import Caller
from services.gateway.web.errors import IdempotencyConflictError, InvalidRequestError

KEYED = ("imports", "batches")  # records with `user_id` and `keys`
MOST_KEYS = 100  # of a record, the latest: to join costs nothing, and must not make it grow without end
# What `idempotency_key` takes, for the description: in quotes or not, and with spaces around it.
KEY_PATTERN = r'^ *"?[!#-~]([ -~]{0,253}[!#-~])?"? *$'
HELD = timedelta(minutes=1)  # longer than a request takes; from then on what it made answers for its key


def idempotency_key(value: str | None) -> str | None:
    """The key as it was sent, quotes off. Raises `InvalidRequestError` when it is no such thing."""
    if value is None:
        return None
    key = value.strip().strip('"')
    if not 1 <= len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise InvalidRequestError("An Idempotency-Key has 1 to 255 printable ASCII characters.")
    return key


class Repeatable(Protocol):
    """`fingerprint` differs between any two requests that ask for different things."""

    @property
    def caller(self) -> Caller: ...
    @property
    def idempotency_key(self) -> str | None: ...
    @property
    def fingerprint(self) -> str: ...


def keys(new: Repeatable) -> Document:
    """Return the fields with which the request's record remembers it."""
    return {} if new.idempotency_key is None else {"keys": [_key(new)]}


async def claim_key(db: Database, new: Repeatable) -> Document | None:
    """Return the record that answered this request before; if there is none, hold its key while it is carried out.

    Both are asked at once, to save a round trip.
    """
    if new.idempotency_key is None:
        return None
    found, held = await asyncio.gather(find_previous(db, new), _hold(db, new), return_exceptions=True)
    if isinstance(found, BaseException):
        raise found
    if found is None and isinstance(held, BaseException):
        raise held
    return found


async def _hold(db: Database, new: Repeatable) -> None:
    """Raise `IdempotencyConflictError` if another request holds the key at this moment."""
    now = datetime.now(UTC)
    if (key := _held_as(new)) and not await held_keys.hold(db, key, new.fingerprint, now, now + HELD):
        raise _another()


@asynccontextmanager
async def releasing_key(db: Database, new: Repeatable) -> AsyncIterator[None]:
    """Release the key at once if the block refuses the request, which then has created nothing."""
    try:
        yield
    except IdempotencyConflictError:
        raise  # the key is another request's, or this one's that goes on meanwhile
    except ImportProblem:
        if key := _held_as(new):
            await held_keys.release(db, key, new.fingerprint)
        raise


async def find_previous(db: Database, new: Repeatable) -> Document | None:
    """Return what answered this request before. Raises `IdempotencyConflictError` if another request had its key."""
    if new.idempotency_key is None:
        return None
    mine = {"user_id": new.caller.user_id, "keys.key": new.idempotency_key}
    found = await asyncio.gather(*(db[name].find_one(mine) for name in KEYED))
    records = [record for record in found if record]
    for record in records:
        if _key(new) in record["keys"]:
            return record
    if records:
        raise _another()
    return None


async def attach_key(db: Database, name: str, which: Document, new: Repeatable) -> Document | None:
    """Return the record that the filter finds; from now on it answers this request's key as well.

    Raises `IdempotencyConflictError` if the key has become another request's meanwhile.
    """
    if new.idempotency_key is None:
        return await db[name].find_one(which)
    unknown = {**which, "keys.key": {"$ne": new.idempotency_key}}
    remember = {"$push": {"keys": {"$each": [_key(new)], "$slice": -MOST_KEYS}}}
    with suppress(DuplicateKeyError):  # another record got the key a moment earlier
        if record := await db[name].find_one_and_update(unknown, remember, return_document=ReturnDocument.AFTER):
            return record
    return await find_previous(db, new)


def _held_as(new: Repeatable) -> KeyOfMember | None:
    return {"user_id": new.caller.user_id, "key": new.idempotency_key} if new.idempotency_key else None


def _key(new: Repeatable) -> Document:
    return {"key": new.idempotency_key, "fingerprint": new.fingerprint}


def _another() -> IdempotencyConflictError:
    return IdempotencyConflictError("This Idempotency-Key was sent before, with another request.")
