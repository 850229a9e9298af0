"""When a source is synced next. Pure: ids and times in, times out.

A source has a slot of its own in every interval, by the hash that its id is: so a million daily sources spread over
the day, and find back to their slots by themselves after an outage or a sync that was asked for.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kit.backoff import backoff

DAY = timedelta(days=1)
FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = DAY
SPREAD = timedelta(hours=1)  # over which those come back that waited for the same limit, if it was as long
FIRST_LIMIT_PAUSE = timedelta(seconds=30)  # at least, for a limit; doubled where it does not go away
WAITED_FOR = 10  # a sync that a member waits for comes back in so small a part of the spread

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slot_after(key: UUID, interval: timedelta, after: datetime) -> datetime:
    """The first of this key's slots, one in each interval, that is later than `after`."""
    offset = timedelta(seconds=key.int % int(interval.total_seconds()))
    return _EPOCH + offset + ((after - _EPOCH - offset) // interval + 1) * interval


def next_slot(key: UUID, interval: timedelta, now: datetime) -> datetime:
    """After a sync at `now`: at most one and a half intervals later, and never sooner than half of one, so that a sync
    out of turn is not followed by another one at once."""
    return slot_after(key, interval, now + interval / 2)


def pause_after(key: UUID, failures: int) -> timedelta:
    """Before the next try, `failures` in a row having been had: doubled each time up to a day, less up to a fifth."""
    pause = backoff(max(failures, 1) - 1, FIRST_PAUSE, LONGEST_PAUSE)
    return pause * (1 - _share(key, failures) / 5)


def after_limit(key: UUID, retry_at: datetime, now: datetime, *, limits: int = 1, waited_for: bool = False) -> datetime:
    """After so many limits in a row. What waits for the same limit does not come back at the same moment, but spread
    over as long again as it had to wait, an hour at most; nor later than in a day."""
    wait = max(retry_at - now, backoff(max(limits, 1) - 1, FIRST_LIMIT_PAUSE, LONGEST_PAUSE))
    spread = min(wait, SPREAD) / (WAITED_FOR if waited_for else 1)
    pause: timedelta = min(wait + spread * _share(key, 0), LONGEST_PAUSE)
    return now + pause


def _share(key: UUID, number: int) -> float:
    """In [0, 1), the same for the same key and number."""
    digest = hashlib.sha256(b"%s %d" % (key.bytes, number)).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
