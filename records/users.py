"""Members and agents (`users`)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict
from uuid import UUID

from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Database, collection


class IdentityRecord(TypedDict):
    """An account elsewhere that signs the member in; each belongs to one member."""

    provider: str
    account_id: str
    account_name: str
    linked_at: datetime


class UserRecord(TypedDict):
    _id: str  # the subject of the host application's tokens, or a UUID
    username: str  # unique; never changes
    display_name: str
    kind: str
    avatar_url: str | None
    links: list[dict[str, str]]
    roles: list[str]
    created_at: datetime
    identities: NotRequired[list[IdentityRecord]]
    curates: NotRequired[str]  # of an agent: the canonical link of its channel; unique
    task_id: NotRequired[UUID]  # of an agent: the parent task of its first import


def users_in(db: Database) -> AsyncCollection[UserRecord]:
    return collection(db, "users", UserRecord)


async def insert(db: Database, user: UserRecord) -> None:
    """Raise DuplicateKeyError if the username, the identity or what it curates is taken, or the user exists."""
    await users_in(db).insert_one(user)


async def read(db: Database, user_id: str) -> UserRecord | None:
    return await users_in(db).find_one({"_id": user_id})


async def named(db: Database, username: str) -> UserRecord | None:
    return await users_in(db).find_one({"username": username.lower()})


async def read_many(db: Database, user_ids: Collection[str]) -> dict[str, UserRecord]:
    """Return the users that exist, by id, without their identities."""
    found = users_in(db).find({"_id": {"$in": list(user_ids)}}, {"identities": 0})
    return {user["_id"]: user async for user in found}


async def curator_of(db: Database, url: str) -> UserRecord | None:
    """Return the agent that curates this canonical link."""
    return await users_in(db).find_one({"curates": url})


async def username_of(db: Database, user_id: str) -> str | None:
    user = await users_in(db).find_one({"_id": user_id}, {"username": 1})
    return user["username"] if user else None


async def owner_of(db: Database, provider: str, account_id: str) -> str | None:
    """Return the id of the member with this identity."""
    identity = {"provider": provider, "account_id": account_id}
    user = await users_in(db).find_one({"identities": {"$elemMatch": identity}}, {"_id": 1})
    return user["_id"] if user else None


async def change(db: Database, user_id: str, changes: Mapping[str, Any]) -> UserRecord | None:
    """Set these fields and return the record afterwards."""
    return await users_in(db).find_one_and_update(
        {"_id": user_id}, {"$set": changes}, return_document=ReturnDocument.AFTER
    )


async def add_identity(db: Database, user_id: str, identity: IdentityRecord, most: int) -> bool:
    """Return False if the member has `most` identities. Raise DuplicateKeyError if it is another member's."""
    room = {"_id": user_id, f"identities.{most - 1}": {"$exists": False}}
    return (await users_in(db).update_one(room, {"$push": {"identities": identity}})).matched_count == 1


async def delete(db: Database, user_id: str) -> None:
    await users_in(db).delete_one({"_id": user_id})


async def agents_among(db: Database, ids: Collection[str]) -> set[str]:
    """Return those of these ids that belong to agents."""
    found = users_in(db).find({"_id": {"$in": list(ids)}, "kind": "agent"}, {"_id": 1})
    return {user["_id"] async for user in found}
