"""Deliveries that upstreams pushed (`pushes`), remembered so that each is handled once."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from kit.mongo import Database, collection


class PushRecord(TypedDict):
    _id: str  # what identifies the delivery
    expires_at: datetime


def _pushes(db: Database) -> AsyncCollection[PushRecord]:
    return collection(db, "pushes", PushRecord)


async def remember(db: Database, name: str, expires_at: datetime) -> bool:
    """Return whether the delivery was new."""
    try:
        await _pushes(db).insert_one({"_id": name, "expires_at": expires_at})
    except DuplicateKeyError:
        return False
    return True


async def forget(db: Database, names: Sequence[str]) -> None:
    await _pushes(db).delete_many({"_id": {"$in": list(names)}})
