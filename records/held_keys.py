"""Idempotency-Keys of requests that are being carried out (`held_keys`).

They serve the moment, which no failover outlives, so the acknowledgement of one node is enough.
"""

from contextlib import suppress
from datetime import datetime
from typing import TypedDict

from pymongo import WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from kit.mongo import Database, collection


class KeyOfMember(TypedDict):
    user_id: str
    key: str


class HeldKeyRecord(TypedDict):
    _id: KeyOfMember
    fingerprint: str  # of the request
    until: datetime


def _held(db: Database) -> AsyncCollection[HeldKeyRecord]:
    return collection(db, "held_keys", HeldKeyRecord).with_options(write_concern=WriteConcern(w=1))


async def hold(db: Database, key: KeyOfMember, fingerprint: str, now: datetime, until: datetime) -> bool:
    """Hold the key for this request; return False if another request holds it at this moment."""
    free = {"_id": key, "$or": [{"fingerprint": fingerprint}, {"until": {"$lt": now}}]}
    ours = {"$set": {"fingerprint": fingerprint, "until": until}}
    with suppress(DuplicateKeyError):
        await _held(db).update_one(free, ours, upsert=True)
        return True
    # It is there now. The same request, sent twice at once, may have stored it at this very moment.
    return (await _held(db).update_one(free, ours)).matched_count == 1


async def release(db: Database, key: KeyOfMember, fingerprint: str) -> None:
    await collection(db, "held_keys", HeldKeyRecord).delete_one({"_id": key, "fingerprint": fingerprint})
