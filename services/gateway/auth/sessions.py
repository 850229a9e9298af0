"""Sessions of browsers: a random secret in a `__Host-` cookie, its hash in `sessions`.

A session ends when it was not used for the idle time, and in any case after its lifetime.
"""

from datetime import timedelta
from typing import Annotated

from starlette.responses import Response

from kit.clock import Clock, utc_now
from kit.mongo import Collection, Database
from kit.secret import SECRET, digest, new_secret
from services.gateway.web.errors import UnauthorizedError
from services.gateway.web.provided import provided

COOKIE = "__Host-session"
TOUCH_AFTER = timedelta(minutes=1)  # uses within this are not written down one by one


class Sessions:
    """`sessions` {_id: hash, user_id, created_at, used_at, ends_at, expires_at}. `now` is there for tests."""

    def __init__(
        self,
        db: Database,
        *,
        idle: timedelta,
        lifetime: timedelta,
        now: Clock = utc_now,
    ) -> None:
        self._sessions: Collection = db["sessions"]
        self._idle, self._lifetime = idle, lifetime
        self._now = now

    async def begin(self, user_id: str, response: Response, *, earlier: str | None) -> None:
        """Sign the browser that gets this response in, always with a new secret; its `earlier` one is worth nothing
        from here on."""
        await self.end(earlier)
        secret, now = new_secret(), self._now()
        ends_at = now + self._lifetime
        await self._sessions.insert_one(
            {
                "_id": digest(secret),
                "user_id": user_id,
                "created_at": now,
                "used_at": now,
                "ends_at": ends_at,
                "expires_at": min(now + self._idle, ends_at),
            }
        )
        response.set_cookie(
            COOKIE,
            secret,
            max_age=int(self._lifetime.total_seconds()),
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )

    async def owner(self, secret: str) -> str:
        """Whose session it is. Raises `UnauthorizedError`."""
        now = self._now()
        found = None
        if SECRET.fullmatch(secret):
            found = await self._sessions.find_one({"_id": digest(secret), "expires_at": {"$gt": now}})
        if found is None:
            raise UnauthorizedError("Your session has ended.")
        if now - found["used_at"] > TOUCH_AFTER:
            used = {"used_at": now, "expires_at": min(now + self._idle, found["ends_at"])}
            await self._sessions.update_one({"_id": found["_id"]}, {"$set": used})
        return str(found["user_id"])

    async def end(self, secret: str | None) -> None:
        if secret:
            await self._sessions.delete_one({"_id": digest(secret)})


def forget(response: Response) -> None:
    """The browser drops its cookie."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


SessionsDep = Annotated[Sessions, provided(Sessions)]
