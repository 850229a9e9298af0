"""Who members are: `users` {_id, username: unique, display_name, kind, avatar_url, links, roles, identities …}.

A member is known by the subject of the host application's tokens, which is then their id, or by the identities that
they sign in with; each identity belongs to one member.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import uuid4

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from kit import mongo
from kit.mongo import Database, Document
from services.gateway.members.usernames import candidates
from services.gateway.web.errors import ConflictError, UnauthorizedError
from services.gateway.web.provided import provided

MAX_DISPLAY_NAME_CHARS = 80
MAX_IDENTITIES = 10
REMEMBERED = 100_000  # names, oldest forgotten first


class Kind(StrEnum):
    PERSON = "person"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Identity:
    """An account elsewhere that somebody signs in with. `account_id` never changes there; the rest may."""

    provider: str
    account_id: str
    username: str = ""
    display_name: str = ""
    avatar_url: str | None = None

    @property
    def key(self) -> Document:
        return {"provider": self.provider, "account_id": self.account_id}


class Users:
    """Remembers names per process, so that a request writes only when it brings a member never seen before."""

    def __init__(self, db: Database) -> None:
        self._users: mongo.Collection = db["users"]
        self._names: dict[str, str] = {}

    async def name(self, user_id: str, wanted: str) -> str:
        """The member's username, given now if this is their first request. It never changes afterwards."""
        if known := await self.find_name(user_id):
            return known
        created = await self._create(user_id, wanted, display_name=wanted)
        return created or str((await self.read(user_id))["username"])

    async def find_name(self, user_id: str) -> str | None:
        if known := self._names.get(user_id):
            return known
        user = await self._users.find_one({"_id": user_id}, {"username": 1})
        if user is None:
            return None
        return self._remember(user_id, user["username"])

    async def find_id(self, username: str) -> str | None:
        user = await self._users.find_one({"username": username.lower()}, {"_id": 1})
        return str(user["_id"]) if user else None

    async def find(self, username: str) -> Document | None:
        return await self._users.find_one({"username": username.lower()})

    async def read_many(self, user_ids: Collection[str]) -> dict[str, Document]:
        """The records of those who are there, by id."""
        found = self._users.find({"_id": {"$in": list(user_ids)}}, {"identities": 0})
        return {user["_id"]: user async for user in found}

    async def create_agent(self, curates: str, name: str, **fields: Any) -> tuple[Document, bool]:
        """The agent for what it curates, a canonical link, and whether it was made now; each link has one."""
        agent_id = str(uuid4())
        if await self._create(agent_id, name, display_name=name, kind=Kind.AGENT, curates=curates, **fields):
            return await self.read(agent_id), True
        return self._there(await self._users.find_one({"curates": curates})), False

    async def read(self, user_id: str) -> Document:
        """The whole record. Raises `UnauthorizedError` for a member who is gone."""
        return self._there(await self._users.find_one({"_id": user_id}))

    async def change(self, user_id: str, changes: Document) -> Document:
        """The record afterwards."""
        return self._there(
            await self._users.find_one_and_update(
                {"_id": user_id}, {"$set": changes}, return_document=ReturnDocument.AFTER
            )
        )

    async def remove(self, user_id: str) -> None:
        await self._users.delete_one({"_id": user_id})
        self._names.pop(user_id, None)

    async def sign_in(self, identity: Identity) -> str:
        """The id of the member with this identity, who becomes one now if nobody has it."""
        while True:  # again only if the same identity signs in elsewhere at this very moment
            if known := await self._owner(identity):
                return known
            user_id = str(uuid4())
            linked = _linked(identity)
            if await self._create(
                user_id,
                identity.username,
                display_name=identity.display_name or identity.username,
                avatar_url=identity.avatar_url,
                identities=[linked],
            ):
                return user_id

    async def link(self, user_id: str, identity: Identity) -> None:
        """One more way in for this member. Raises `ConflictError` where it is another's."""
        if owner := await self._owner(identity):
            if owner != user_id:
                raise _taken(identity)
            return
        room = {"_id": user_id, f"identities.{MAX_IDENTITIES - 1}": {"$exists": False}}
        try:
            found = await self._users.update_one(room, {"$push": {"identities": _linked(identity)}})
        except DuplicateKeyError:
            raise _taken(identity) from None
        if not found.matched_count:
            raise ConflictError(f"You have linked {MAX_IDENTITIES} accounts already.")

    async def _owner(self, identity: Identity) -> str | None:
        user = await self._users.find_one({"identities": {"$elemMatch": identity.key}}, {"_id": 1})
        return str(user["_id"]) if user else None

    async def _create(self, user_id: str, wanted: str, **fields: Any) -> str | None:
        """The username that was free; None where this member, or this identity, was there a moment earlier."""
        display_name = fields.pop("display_name")[:MAX_DISPLAY_NAME_CHARS]
        for username in candidates(user_id, wanted):
            new = {
                "_id": user_id,
                "username": username,
                "display_name": display_name or username,
                "kind": Kind.PERSON,
                "avatar_url": None,
                "links": [],
                "roles": [],
                "created_at": datetime.now(UTC),
                **fields,
            }
            try:
                await self._users.insert_one(new)
            except DuplicateKeyError as error:
                if "username" in (error.details or {}).get("keyPattern", {}):
                    continue
                return None
            return self._remember(user_id, username)
        raise RuntimeError("no username was free")

    def _remember(self, user_id: str, username: str) -> str:
        if len(self._names) >= REMEMBERED:
            del self._names[next(iter(self._names))]
        self._names[user_id] = username
        return username

    def _there(self, user: Document | None) -> Document:
        if user is None:
            raise UnauthorizedError("This account no longer exists.")
        return user


def _linked(identity: Identity) -> Document:
    return {**identity.key, "account_name": identity.username, "linked_at": datetime.now(UTC)}


def _taken(identity: Identity) -> ConflictError:
    return ConflictError(
        f"This {identity.provider} account signs another member in.",
        action="use_another_account",
        suggestion="Sign in with that account, or link another one.",
    )


UsersDep = Annotated[Users, provided(Users)]
