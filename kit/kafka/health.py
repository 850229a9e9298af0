"""Whether a subscriber works: for liveness, so nothing here is another's fault."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from kit.kafka.breaker import Breaker, State
from kit.kafka.partition import Partition

POLL_LIMIT = 60.0  # seconds after which a poll loop that does not come round, or only fails, counts as dead


@dataclass(frozen=True)
class Health:
    """True while the process should live; `reason` says why not."""

    alive: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.alive


def health(polled_at: float, tries: float, breaker: Breaker, parts: Collection[Partition]) -> Health:
    """`polled_at` by the monotonic clock; `tries` are the seconds that all tries of one record may take."""
    if time.monotonic() - polled_at > POLL_LIMIT:
        return Health(False, "polls fail, or the poll loop hangs")
    if breaker.state is not State.CLOSED:
        # Open for long is no fault: an engine is away, and a probe now and then finds that it still is.
        waiting = any(part.tracker.unfinished or part.lag for part in parts)
        overdue = waiting and breaker.unjudged_for > tries + POLL_LIMIT
        return Health(False, "the breaker neither probes nor closes") if overdue else Health(True)
    stuck = [part.tp for part in parts if min(part.stalled_for, breaker.closed_for) > tries + POLL_LIMIT]
    return Health(False, f"no progress in {stuck[0]}") if stuck else Health(True)
