"""Personal API tokens: shown once, stored as hashes, revocable, and never without an end."""

import re
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Annotated
from uuid import UUID, uuid4

from pymongo.errors import DuplicateKeyError

from kit.clock import Clock, utc_now
from kit.mongo import Database
from kit.secret import SECRET, digest, new_secret
from records import api_tokens as records
from records.api_tokens import ApiTokenRecord
from services.gateway.web.errors import ConflictError, NotFoundError, UnauthorizedError
from services.gateway.web.provided import provided

PREFIX = "thrive_pat_"  # so that scanners find leaked ones, and so that none is mistaken for a JWT
TOKEN = re.compile(PREFIX + SECRET.pattern)
MAX_PER_MEMBER = 50
TOUCH_AFTER = timedelta(minutes=1)  # uses within this are not written down one by one


class ApiTokens:
    """Creates, lists, revokes and recognises the tokens of members."""

    def __init__(self, db: Database, *, now: Clock = utc_now) -> None:
        self._db = db
        self._now = now

    async def create(self, user_id: str, name: str, lifetime: timedelta) -> tuple[str, ApiTokenRecord]:
        """Return the token, which cannot be read again, and its record. Raises `ConflictError` at the limit."""
        token, now = PREFIX + new_secret(), self._now()
        record: ApiTokenRecord = {
            "_id": uuid4(),
            "user_id": user_id,
            "slot": 0,
            "name": name,
            "hash": digest(token),
            "created_at": now,
            "expires_at": now + lifetime,
            "last_used_at": None,
        }
        while free := await self._free_slots(user_id):
            with suppress(DuplicateKeyError):  # another one was made at this very moment
                # At random, as those others choose too.
                record["slot"] = secrets.choice(free)
                await records.insert(self._db, record)
                return token, record
        raise _enough()

    async def list(self, user_id: str) -> list[ApiTokenRecord]:
        """Return the member's tokens, newest first, with those that expired of late."""
        return await records.of_member(self._db, user_id)

    async def owner(self, token: str) -> str:
        """Return the id of the member whose token it is. Raises `UnauthorizedError`."""
        now = self._now()
        found = None
        if TOKEN.fullmatch(token):
            found = await records.find(self._db, digest(token), now)
        if found is None:
            raise UnauthorizedError("The token is not valid, has expired, or was revoked.")
        if found["last_used_at"] is None or now - found["last_used_at"] > TOUCH_AFTER:
            await records.mark_used(self._db, found["_id"], now)
        return found["user_id"]

    async def revoke(self, user_id: str, token_id: UUID) -> None:
        """Revoke the token in every process at once. Raises `NotFoundError`."""
        if not await records.delete(self._db, token_id, user_id):
            raise NotFoundError("There is no such token.")

    async def _free_slots(self, user_id: str) -> tuple[int, ...]:
        taken = await records.taken_slots(self._db, user_id)
        return tuple(slot for slot in range(MAX_PER_MEMBER) if slot not in taken)


def _enough() -> ConflictError:
    return ConflictError(
        f"You have {MAX_PER_MEMBER} tokens already.", action="revoke_token", suggestion="Revoke one first."
    )


ApiTokensDep = Annotated[ApiTokens, provided(ApiTokens)]
