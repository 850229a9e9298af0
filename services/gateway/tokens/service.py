"""Personal API tokens: shown once, stored as hashes, revocable, and never without an end."""

import re
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Annotated
from uuid import UUID, uuid4

from pymongo.errors import DuplicateKeyError

from kit.clock import Clock, utc_now
from kit.mongo import Collection, Database, Document
from kit.secret import SECRET, digest, new_secret
from services.gateway.web.errors import ConflictError, NotFoundError, UnauthorizedError
from services.gateway.web.provided import provided

PREFIX = "thrive_pat_"  # so that scanners find leaked ones, and so that none is mistaken for a JWT
TOKEN = re.compile(PREFIX + SECRET.pattern)
MAX_PER_MEMBER = 50
TOUCH_AFTER = timedelta(minutes=1)  # uses within this are not written down one by one


class ApiTokens:
    """`api_tokens` {_id: uuid, user_id, slot, name, hash: unique, created_at, expires_at, last_used_at}.

    A member's tokens have slots of their own, as many as a member may have tokens: so that of any number that are made
    at the same moment, exactly those for which there is room come to be. `now` is there for tests.
    """

    def __init__(self, db: Database, *, now: Clock = utc_now) -> None:
        self._tokens: Collection = db["api_tokens"]
        self._now = now

    async def create(self, user_id: str, name: str, lifetime: timedelta) -> tuple[str, Document]:
        """The token, which nobody can read again, and its record. Raises `ConflictError`."""
        token, now = PREFIX + new_secret(), self._now()
        record: Document = {
            "_id": uuid4(),
            "user_id": user_id,
            "name": name,
            "hash": digest(token),
            "created_at": now,
            "expires_at": now + lifetime,
            "last_used_at": None,
        }
        while free := await self._free_slots(user_id):
            with suppress(DuplicateKeyError):  # another one was made at this very moment
                # At random, as those others choose too.
                await self._tokens.insert_one(record | {"slot": secrets.choice(free)})
                return token, record
        raise _enough()

    async def list(self, user_id: str) -> list[Document]:
        """Newest first; the expired ones stay a while, so that their owner learns why they no longer work."""
        return await self._tokens.find({"user_id": user_id}, {"hash": 0, "slot": 0}).sort("created_at", -1).to_list()

    async def owner(self, token: str) -> str:
        """Whose token it is. Raises `UnauthorizedError`."""
        now = self._now()
        found = None
        if TOKEN.fullmatch(token):
            found = await self._tokens.find_one({"hash": digest(token), "expires_at": {"$gt": now}})
        if found is None:
            raise UnauthorizedError("The token is not valid, has expired, or was revoked.")
        if found["last_used_at"] is None or now - found["last_used_at"] > TOUCH_AFTER:
            await self._tokens.update_one({"_id": found["_id"]}, {"$set": {"last_used_at": now}})
        return str(found["user_id"])

    async def revoke(self, user_id: str, token_id: UUID) -> None:
        """At once, in every process. Raises `NotFoundError`."""
        if not (await self._tokens.delete_one({"_id": token_id, "user_id": user_id})).deleted_count:
            raise NotFoundError("There is no such token.")

    async def _free_slots(self, user_id: str) -> tuple[int, ...]:
        taken = {one.get("slot") async for one in self._tokens.find({"user_id": user_id}, {"slot": 1})}
        return tuple(slot for slot in range(MAX_PER_MEMBER) if slot not in taken)


def _enough() -> ConflictError:
    return ConflictError(
        f"You have {MAX_PER_MEMBER} tokens already.", action="revoke_token", suggestion="Revoke one first."
    )


ApiTokensDep = Annotated[ApiTokens, provided(ApiTokens)]
