"""Browsers' sessions (`sessions`). A secret is stored only as its hash."""

from datetime import datetime
from typing import TypedDict

from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Database, collection


class SessionRecord(TypedDict):
    _id: str  # the secret's hash
    user_id: str
    created_at: datetime
    used_at: datetime  # to the minute
    ends_at: datetime  # in any case
    expires_at: datetime  # unless it is used before


def _sessions(db: Database) -> AsyncCollection[SessionRecord]:
    return collection(db, "sessions", SessionRecord)


async def insert(db: Database, session: SessionRecord) -> None:
    await _sessions(db).insert_one(session)


async def find(db: Database, session_id: str, now: datetime) -> SessionRecord | None:
    """Return the session unless it has expired."""
    return await _sessions(db).find_one({"_id": session_id, "expires_at": {"$gt": now}})


async def mark_used(db: Database, session_id: str, used_at: datetime, expires_at: datetime) -> None:
    await _sessions(db).update_one({"_id": session_id}, {"$set": {"used_at": used_at, "expires_at": expires_at}})


async def delete(db: Database, session_id: str) -> None:
    await _sessions(db).delete_one({"_id": session_id})
