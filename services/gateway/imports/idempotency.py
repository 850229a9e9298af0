"""A request that is sent again with its Idempotency-Key is answered by what it made, or joined, the first time.

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

from pymongo import ReturnDocument, WriteConcern
from pymongo.errors import DuplicateKeyError

from kit.errors import ImportProblem
from kit.mongo import Database, Document
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
    """What the record that a request makes holds of it."""
    return {} if new.idempotency_key is None else {"keys": [_key(new)]}


async def begun(db: Database, new: Repeatable) -> Document | None:
    """As `repeated`, for a request that is carried out now if it was not before: from here on its key is its own.

    Holding it costs no time beside looking for it.
    """
    if new.idempotency_key is None:
        return None
    found, held = await asyncio.gather(repeated(db, new), _hold(db, new), return_exceptions=True)
    if isinstance(found, BaseException):
        raise found
    if found is None and isinstance(held, BaseException):
        raise held
    return found


async def _hold(db: Database, new: Repeatable) -> None:
    """Raises `IdempotencyConflictError` where another request has the key at this moment."""
    now, of = datetime.now(UTC), {"user_id": new.caller.user_id, "key": new.idempotency_key}
    free = {"_id": of, "$or": [{"fingerprint": new.fingerprint}, {"until": {"$lt": now}}]}
    mine = {"$set": {"fingerprint": new.fingerprint, "until": now + HELD}}
    # It serves the moment, which no failover outlives: one node's word is enough.
    held = db["held_keys"].with_options(write_concern=WriteConcern(w=1))
    with suppress(DuplicateKeyError):
        await held.update_one(free, mine, upsert=True)
        return
    # It is there now. The same request, sent twice at once, may have stored it at this very moment.
    if not (await held.update_one(free, mine)).matched_count:
        raise _another()


@asynccontextmanager
async def unless_refused(db: Database, new: Repeatable) -> AsyncIterator[None]:
    """Around what carries the request out: one that is refused has made nothing, and gives its key back at once."""
    try:
        yield
    except IdempotencyConflictError:
        raise  # the key is another request's, or this one's that goes on meanwhile
    except ImportProblem:
        if new.idempotency_key is not None:
            of = {"user_id": new.caller.user_id, "key": new.idempotency_key}
            await db["held_keys"].delete_one({"_id": of, "fingerprint": new.fingerprint})
        raise


async def repeated(db: Database, new: Repeatable) -> Document | None:
    """What this request made or joined before. Raises `IdempotencyConflictError` where its key was another's."""
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


async def joined(db: Database, name: str, which: Document, new: Repeatable) -> Document | None:
    """The record of this collection that the filter finds: from now on it answers for this request as well.

    Raises `IdempotencyConflictError` where its key has become another request's meanwhile.
    """
    if new.idempotency_key is None:
        return await db[name].find_one(which)
    unknown = {**which, "keys.key": {"$ne": new.idempotency_key}}
    remember = {"$push": {"keys": {"$each": [_key(new)], "$slice": -MOST_KEYS}}}
    with suppress(DuplicateKeyError):  # another record got the key a moment earlier
        if record := await db[name].find_one_and_update(unknown, remember, return_document=ReturnDocument.AFTER):
            return record
    return await repeated(db, new)


def _key(new: Repeatable) -> Document:
    return {"key": new.idempotency_key, "fingerprint": new.fingerprint}


def _another() -> IdempotencyConflictError:
    return IdempotencyConflictError("This Idempotency-Key was sent before, with another request.")
