"""Personal API tokens (`api_tokens`). A token is stored only as its hash.

Each takes one of its member's slots, as many as a member may have tokens, so that tokens which are created at the same
moment cannot exceed that number.
"""

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Database, collection


class ApiTokenRecord(TypedDict):
    _id: UUID
    user_id: str
    slot: int
    name: str
    hash: str  # unique
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None  # to the minute


def _tokens(db: Database) -> AsyncCollection[ApiTokenRecord]:
    return collection(db, "api_tokens", ApiTokenRecord)


async def insert(db: Database, token: ApiTokenRecord) -> None:
    """Raise DuplicateKeyError if the member's slot is taken."""
    await _tokens(db).insert_one(token)


async def of_member(db: Database, user_id: str) -> list[ApiTokenRecord]:
    """Return the member's tokens, newest first, without `hash` and `slot`."""
    return await _tokens(db).find({"user_id": user_id}, {"hash": 0, "slot": 0}).sort("created_at", -1).to_list()


async def find(db: Database, token_hash: str, now: datetime) -> ApiTokenRecord | None:
    """Return the token unless it has expired."""
    return await _tokens(db).find_one({"hash": token_hash, "expires_at": {"$gt": now}})


async def mark_used(db: Database, token_id: UUID, now: datetime) -> None:
    await _tokens(db).update_one({"_id": token_id}, {"$set": {"last_used_at": now}})


async def delete(db: Database, token_id: UUID, user_id: str) -> bool:
    """Return whether the member had this token."""
    return (await _tokens(db).delete_one({"_id": token_id, "user_id": user_id})).deleted_count == 1


async def taken_slots(db: Database, user_id: str) -> set[int]:
    return {one["slot"] async for one in _tokens(db).find({"user_id": user_id}, {"slot": 1})}
