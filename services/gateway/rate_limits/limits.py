"""Limit how many imports, syncs and OAuth flows a member may start in an hour, in a moving window."""

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from kit.mongo import Database
from records.limits import MovingWindows
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
        self._own = {
            REPOSITORIES: settings.limit_repositories,
            VIDEOS: settings.limit_videos,
            CHANNELS: settings.limit_channels,
            SYNCS: settings.limit_syncs,
            OAUTH_STARTS: settings.limit_oauth_starts,
        }
        self._others = settings.limit_others

    @asynccontextmanager
    async def spending(self, user_id: str, kind: str) -> AsyncIterator[None]:
        """Count one of this kind, and take it back if the block fails. Raises `MemberLimitError`.

        For a request without a caller, its address takes the member's place.
        """
        if not await self._windows.enter(_key(user_id, kind), self._limit(kind), HOUR):
            raise await self._refusal(user_id, kind)
        try:
            yield
        except Exception:
            await self._windows.take_back(_key(user_id, kind))
            raise

    async def headers(self, user_id: str, kind: str) -> dict[str, str]:
        """Return the RateLimit header fields, as their draft spells them."""
        count, reset_at = await self._windows.count(_key(user_id, kind), self._limit(kind), HOUR)
        return self._headers(kind, self._limit(kind) - count, self._seconds_until(reset_at) if count else HOUR)

    async def _refusal(self, user_id: str, kind: str) -> MemberLimitError:
        _, reset_at = await self._windows.count(_key(user_id, kind), self._limit(kind), HOUR)
        seconds = self._seconds_until(reset_at)
        retry_at = datetime.fromtimestamp(math.ceil(reset_at), UTC)
        return MemberLimitError(
            f"You may {_verb(kind)} {self._limit(kind)} {_noun(kind)} an hour; "
            f"the next one is allowed at {retry_at:%H:%M:%S} UTC.",
            retry_at=retry_at,
            headers={**self._headers(kind, 0, seconds), "Retry-After": str(seconds)},
        )

    def _headers(self, kind: str, left: int, seconds: int) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{kind}";q={self._limit(kind)};w={HOUR}',
            "RateLimit": f'"{kind}";r={left};t={seconds}',
        }

    def _limit(self, kind: str) -> int:
        return self._own.get(kind, self._others)

    def _seconds_until(self, at: float) -> int:
        return max(1, math.ceil(at - self._clock()))


def _key(user_id: str, kind: str) -> str:
    return f"{kind}/{user_id}"


def _verb(kind: str) -> str:
    return {SYNCS: "request", OAUTH_STARTS: "start"}.get(kind, "import")


def _noun(kind: str) -> str:
    if kind == OAUTH_STARTS:
        return "sign-ins or connections"
    return kind


MemberLimitsDep = Annotated[MemberLimits, provided(MemberLimits)]
