"""How many imports, syncs and OAuth flows an hour allows: the `limits` library's moving window, counted in MongoDB."""

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from limits import RateLimitItemPerHour
from limits.aio.strategies import MovingWindowRateLimiter

from kit.mongo import Database
from services.gateway.rate_limits.storage import MovingWindows
from services.gateway.settings import LimitSettings
from services.gateway.web.errors import MemberLimitError
from services.gateway.web.provided import provided

HOUR = 3_600
REPOSITORIES, VIDEOS, CHANNELS, SYNCS = "repositories", "videos", "channels", "syncs"
OAUTH_STARTS = "oauth_starts"


class MemberLimits:
    def __init__(self, db: Database, settings: LimitSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._windows = MovingWindows(db, clock=clock)
        self._limiter = MovingWindowRateLimiter(self._windows)
        own = {
            REPOSITORIES: settings.limit_repositories,
            VIDEOS: settings.limit_videos,
            CHANNELS: settings.limit_channels,
            SYNCS: settings.limit_syncs,
            OAUTH_STARTS: settings.limit_oauth_starts,
        }
        self._own = {kind: RateLimitItemPerHour(per_hour) for kind, per_hour in own.items()}
        self._others = RateLimitItemPerHour(settings.limit_others)

    @asynccontextmanager
    async def spending(self, user_id: str, kind: str) -> AsyncIterator[None]:
        """One of this kind, given back if what is done meanwhile fails. Raises `MemberLimitError`.

        Where nobody is signed in, an address takes the member's place."""
        item, member = self._item(kind), (user_id, kind)
        if not await self._limiter.hit(item, *member):
            raise await self._refusal(user_id, kind)
        try:
            yield
        except Exception:
            await self._windows.give_back(item.key_for(*member))
            raise

    async def headers(self, user_id: str, kind: str) -> dict[str, str]:
        """What is left, as the draft of RateLimit header fields says it."""
        item = self._item(kind)
        reset_at, left = await self._limiter.get_window_stats(item, user_id, kind)
        return self._headers(kind, left, self._seconds_until(reset_at) if left < item.amount else HOUR)

    async def _refusal(self, user_id: str, kind: str) -> MemberLimitError:
        reset_at, _ = await self._limiter.get_window_stats(self._item(kind), user_id, kind)
        seconds = self._seconds_until(reset_at)
        retry_at = datetime.fromtimestamp(math.ceil(reset_at), UTC)
        return MemberLimitError(
            f"You may {_verb(kind)} {self._item(kind).amount} {_noun(kind)} an hour; "
            f"the next one is allowed at {retry_at:%H:%M:%S} UTC.",
            retry_at=retry_at,
            headers={**self._headers(kind, 0, seconds), "Retry-After": str(seconds)},
        )

    def _headers(self, kind: str, left: int, seconds: int) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{kind}";q={self._item(kind).amount};w={HOUR}',
            "RateLimit": f'"{kind}";r={left};t={seconds}',
        }

    def _item(self, kind: str) -> RateLimitItemPerHour:
        return self._own.get(kind, self._others)

    def _seconds_until(self, at: float) -> int:
        return max(1, math.ceil(at - self._clock()))


def _verb(kind: str) -> str:
    return {SYNCS: "request", OAUTH_STARTS: "start"}.get(kind, "import")


def _noun(kind: str) -> str:
    if kind == OAUTH_STARTS:
        return "sign-ins or connections"
    return kind


MemberLimitsDep = Annotated[MemberLimits, provided(MemberLimits)]
