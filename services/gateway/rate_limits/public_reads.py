"""Limit how many public pages one address, or one member, may read in a minute.

Reads are counted in this process only, before anything is read: the limit keeps a flood away from the database, and is
no quota.
"""

import math
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from services.gateway.web.errors import MemberLimitError
from services.gateway.web.provided import provided

MINUTE = 60
MOST_READERS = 100_000  # in one window; if more come, it begins anew


class Reads:
    """One fixed window for all readers, so that what is kept is bounded by what a minute brings. `clock` in seconds."""

    def __init__(self, most: int, *, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._ends_at = 0.0

    def count(self, reader: str) -> None:
        """One more page. Raises `MemberLimitError`."""
        now = self._clock()
        if not now < self._ends_at <= now + MINUTE or len(self._counts) >= MOST_READERS:
            self._counts.clear()
            self._ends_at = now + MINUTE
        self._counts[reader] += 1
        if self._counts[reader] > self._most:
            raise self._refusal(max(1, math.ceil(self._ends_at - now)))

    def _refusal(self, seconds: int) -> MemberLimitError:
        retry_at = datetime.fromtimestamp(math.ceil(self._ends_at), UTC)
        return MemberLimitError(
            f"{self._most} public pages a minute may be read. The next one may be read at {retry_at:%H:%M:%S} UTC.",
            retry_at=retry_at,
            headers={
                "RateLimit-Policy": f'"reads";q={self._most};w={MINUTE}',
                "RateLimit": f'"reads";r=0;t={seconds}',
                "Retry-After": str(seconds),
            },
        )


ReadsDep = Annotated[Reads, provided(Reads)]
