"""Who members are: `users` {_id, username: unique, display_name, kind, avatar_url, links, roles, identities …}.

A member is known by the subject of the host application's tokens, which is then their id, or by the identities that
they sign in with; each identity belongs to one member.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import uuid4

from pymongo.errors import DuplicateKeyError

from kit.mongo import Database
from records import users
from records.users import IdentityRecord, UserRecord
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


class Users:
    """Remembers names per process, so that a request writes only when it brings a member never seen before."""

    def __init__(self, db: Database) -> None:
        self._db = db
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
        username = await users.username_of(self._db, user_id)
        return self._remember(user_id, username) if username else None

    async def find_id(self, username: str) -> str | None:
        user = await users.named(self._db, username)
        return user["_id"] if user else None

    async def find(self, username: str) -> UserRecord | None:
        return await users.named(self._db, username)

    async def read_many(self, user_ids: Collection[str]) -> dict[str, UserRecord]:
        """The records of those who are there, by id."""
        return await users.read_many(self._db, user_ids)

    async def create_agent(self, curates: str, name: str, **fields: Any) -> tuple[UserRecord, bool]:
        """The agent for what it curates, a canonical link, and whether it was made now; each link has one."""
        agent_id = str(uuid4())
        if await self._create(agent_id, name, display_name=name, kind=Kind.AGENT, curates=curates, **fields):
            return await self.read(agent_id), True
        return self._there(await users.curator_of(self._db, curates)), False

    async def read(self, user_id: str) -> UserRecord:
        """The whole record. Raises `UnauthorizedError` for a member who is gone."""
        return self._there(await users.read(self._db, user_id))

    async def change(self, user_id: str, changes: Mapping[str, Any]) -> UserRecord:
        """The record afterwards."""
        return self._there(await users.change(self._db, user_id, changes))

    async def remove(self, user_id: str) -> None:
        await users.delete(self._db, user_id)
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
        try:
            added = await users.add_identity(self._db, user_id, _linked(identity), MAX_IDENTITIES)
        except DuplicateKeyError:
            raise _taken(identity) from None
        if not added:
            raise ConflictError(f"You have linked {MAX_IDENTITIES} accounts already.")

    async def _owner(self, identity: Identity) -> str | None:
        return await users.owner_of(self._db, identity.provider, identity.account_id)

    async def _create(self, user_id: str, wanted: str, **fields: Any) -> str | None:
        """The username that was free; None where this member, or this identity, was there a moment earlier."""
        display_name = fields.pop("display_name")[:MAX_DISPLAY_NAME_CHARS]
        for username in candidates(user_id, wanted):
            new: UserRecord = {
                "_id": user_id,
                "username": username,
                "display_name": display_name or username,
                "kind": Kind.PERSON,
                "avatar_url": None,
                "links": [],
                "roles": [],
                "created_at": datetime.now(UTC),
                **fields,  # type: ignore[typeddict-item]
            }
            try:
                await users.insert(self._db, new)
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

    def _there(self, user: UserRecord | None) -> UserRecord:
        if user is None:
            raise UnauthorizedError("This account no longer exists.")
        return user


def _linked(identity: Identity) -> IdentityRecord:
    return {
        "provider": identity.provider,
        "account_id": identity.account_id,
        "account_name": identity.username,
        "linked_at": datetime.now(UTC),
    }


def _taken(identity: Identity) -> ConflictError:
    return ConflictError(
        f"This {identity.provider} account signs another member in.",
        action="use_another_account",
        suggestion="Sign in with that account, or link another one.",
    )


UsersDep = Annotated[Users, provided(Users)]
