"""Keep browsers signed in: a random secret in a `__Host-` cookie, and its hash in MongoDB."""

from datetime import timedelta
from typing import Annotated

from starlette.responses import Response

from kit.clock import Clock, utc_now
from kit.mongo import Database
from kit.secret import SECRET, digest, new_secret
from records import sessions as records
from services.gateway.web.errors import UnauthorizedError
from services.gateway.web.provided import provided

COOKIE = "__Host-session"
TOUCH_AFTER = timedelta(minutes=1)  # uses within this are not written down one by one


class Sessions:
    """Sessions end after `idle` without use, and after `lifetime` in any case."""

    def __init__(
        self,
        db: Database,
        *,
        idle: timedelta,
        lifetime: timedelta,
        now: Clock = utc_now,
    ) -> None:
        self._db = db
        self._idle, self._lifetime = idle, lifetime
        self._now = now

    async def begin(self, user_id: str, response: Response, *, earlier: str | None) -> None:
        """Sign in the browser that gets this response, always with a new secret; end its `earlier` session."""
        await self.end(earlier)
        secret, now = new_secret(), self._now()
        ends_at = now + self._lifetime
        await records.insert(
            self._db,
            {
                "_id": digest(secret),
                "user_id": user_id,
                "created_at": now,
                "used_at": now,
                "ends_at": ends_at,
                "expires_at": min(now + self._idle, ends_at),
            },
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
        """Return the id of the member whose session it is. Raises `UnauthorizedError`."""
        now = self._now()
        found = None
        if SECRET.fullmatch(secret):
            found = await records.find(self._db, digest(secret), now)
        if found is None:
            raise UnauthorizedError("Your session has ended.")
        if now - found["used_at"] > TOUCH_AFTER:
            await records.mark_used(self._db, found["_id"], now, min(now + self._idle, found["ends_at"]))
        return found["user_id"]

    async def end(self, secret: str | None) -> None:
        if secret:
            await records.delete(self._db, digest(secret))


def forget(response: Response) -> None:
    """Have the browser delete its cookie."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


SessionsDep = Annotated[Sessions, provided(Sessions)]
