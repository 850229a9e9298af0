"""What an upstream allows, as rows of data that stand beside its integration, and what a call costs of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kit.http.exchange import Response

APP, ANONYMOUS = "app", "anonymous"
OURS = frozenset({APP, ANONYMOUS})  # the accounts of the application itself


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer's headers tell of its bucket: `used` of `limit` units until `reset_at`."""

    limit: int
    used: int
    reset_at: datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """Units that each account has in each window.

    `next_reset` gives the end of a window that is open at a time. `reserve` is the share of the units that only
    interactive work may touch. A `fair` bucket keeps members who ask at the same time from more than their share.
    `read`, `limited_until` and `free` understand the upstream's answers: its own count, the time until which an answer
    of 403 or 429 turns us away, and whether an answer is not counted; `exhausted` tells whether one that turns us away
    says that the account has no units left, so that it is not about what was asked for.
    """

    name: str  # on metrics and in the ledger
    title: str  # for people: whose limit this is
    units: int
    next_reset: Callable[[datetime], datetime]
    reserve: float = 0.0
    fair: bool = False
    read: Callable[[Response, datetime], Reading | None] | None = None
    limited_until: Callable[[Response, datetime], datetime | None] | None = None
    free: Callable[[Response], bool] | None = None
    exhausted: Callable[[Response, datetime], bool] | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """Calls that an account may have under way at once, over all processes."""

    name: str
    title: str
    count: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What each attempt of a call costs: units by bucket and perhaps a slot, all of one account, for one member.

    What is really spent is counted in `spent`, by the name of the bucket. `thing` is what is asked for, whose requests
    the upstream may turn away while it answers others.
    """

    account: str  # at the upstream; the application's own credentials are accounts too
    costs: tuple[tuple[Bucket, int], ...]
    slots: Slots | None = None
    user_id: str = ""
    interactive: bool = True
    thing: str = ""
    spent: Counter[str] = field(default_factory=Counter, compare=False)


def every(window: timedelta) -> Callable[[datetime], datetime]:
    """Windows of a fixed length, the same for everybody: they begin at multiples of it."""
    seconds = window.total_seconds()

    def next_reset(now: datetime) -> datetime:
        return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)

    return next_reset


def after(window: timedelta) -> Callable[[datetime], datetime]:
    """Windows that begin with the first call."""
    return lambda now: now + window
