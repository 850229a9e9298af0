"""Choose when a source is synced next. Pure: ids and times in, times out.

Each source has its own slot in every interval, from the hash that its id is. So a million daily sources spread over the
day, and return to their slots after an outage or a requested sync.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kit.backoff import backoff

DAY = timedelta(days=1)
FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = DAY
SPREAD = timedelta(hours=1)  # at most, over which sources that waited for one limit return
FIRST_LIMIT_PAUSE = timedelta(seconds=30)  # at least, for a limit; doubled while it lasts
WAITED_FOR = 10  # divides the spread of a sync that a member waits for

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slot_after(key: UUID, interval: timedelta, after: datetime) -> datetime:
    """Return the first slot of this key later than `after`; there is one in each interval."""
    offset = timedelta(seconds=key.int % int(interval.total_seconds()))
    return _EPOCH + offset + ((after - _EPOCH - offset) // interval + 1) * interval


def next_slot(key: UUID, interval: timedelta, now: datetime) -> datetime:
    """Return the slot after a sync at `now`: half an interval to one and a half later, so that a requested sync is not
    followed by another at once."""
    return slot_after(key, interval, now + interval / 2)


def pause_after(key: UUID, failures: int) -> timedelta:
    """Return the pause after `failures` in a row: doubled each time up to a day, minus up to a fifth."""
    pause = backoff(max(failures, 1) - 1, FIRST_PAUSE, LONGEST_PAUSE)
    return pause * (1 - _share(key, failures) / 5)


def after_limit(key: UUID, retry_at: datetime, now: datetime, *, limits: int = 1, waited_for: bool = False) -> datetime:
    """Return when to sync again after so many rate limits in a row. Sources that wait for the same limit are spread
    over as long again as the wait, an hour at most; none waits longer than a day."""
    wait = max(retry_at - now, backoff(max(limits, 1) - 1, FIRST_LIMIT_PAUSE, LONGEST_PAUSE))
    spread = min(wait, SPREAD) / (WAITED_FOR if waited_for else 1)
    pause: timedelta = min(wait + spread * _share(key, 0), LONGEST_PAUSE)
    return now + pause


def _share(key: UUID, number: int) -> float:
    """Return a number in [0, 1), the same for the same key and number."""
    digest = hashlib.sha256(b"%s %d" % (key.bytes, number)).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
