"""Request the syncs that are due, each once.

An event's id is derived from the time when its source was due, so what is emitted twice is the same event. A source
whose sync was requested stays hidden until that sync has ended or counts as lost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge

from kit.clock import Clock, utc_now
from kit.mongo import Database, Document
from records.sources.dispatch import claim_due, count_overdue, mark_requested
from records.sources.record import Reason, sync_requested
from schemas.events import SyncRequested

log = structlog.get_logger()

EMITTED = Counter("thrive_syncs_requested", "Syncs that the scheduler requested, by reason.", ["reason"])
OVERDUE = Gauge("thrive_sources_overdue", "Sources that have been due for an hour and were not synced.")

CLAIM = timedelta(seconds=30)
COUNT_EVERY = timedelta(seconds=30)
PRIORITIES = (
    (Reason.NEW, Reason.REQUESTED),  # a member waits
    (Reason.PUSH,),  # one upload is a sync for each follower
    (Reason.INTERVAL, Reason.RETRY, Reason.LIMIT),
)

Publish = Callable[[SyncRequested], Awaitable[None]]


class SyncDispatcher:
    """`at_once` limits what a tick emits of each priority, so that no backlog becomes a burst or holds up another.
    `lost_after` is when a sync that has not ended is requested again."""

    def __init__(
        self,
        db: Database,
        publish: Publish,
        *,
        at_once: int,
        lost_after: timedelta,
        now: Clock = utc_now,
    ) -> None:
        self._db = db
        self._publish = publish
        self._at_once = at_once
        self._lost_after = lost_after
        self._now = now
        self._counted_at: datetime | None = None

    async def tick(self) -> bool:
        """Dispatch, and never ask for another tick at once: a backlog is worked off at its pace."""
        await self.dispatch()
        return False

    async def dispatch(self) -> int:
        """Request the syncs that are due; returns the count. Raises what the engines raise: the next
        tick tries again."""
        await self._count()
        sent = 0
        for reasons in PRIORITIES:
            claimed = await claim_due(self._db, self._now(), reasons, limit=self._at_once, lease=CLAIM)
            sent += await self._emit(claimed) if claimed else 0
        return sent

    async def _emit(self, claimed: list[Document]) -> int:
        events = map(sync_requested, claimed)
        results = await asyncio.gather(*map(self._publish, events), return_exceptions=True)
        sent = [source for source, result in zip(claimed, results, strict=True) if result is None]
        # Only after the broker has them. A sync that was requested meanwhile has ended the claim, and is due again.
        await mark_requested(self._db, claimed[0]["claim"], sent, self._now() + self._lost_after)
        for source in sent:
            EMITTED.labels(source["next_reason"]).inc()
        errors = [result for result in results if result is not None]
        for error in errors:
            log.warning("sync request not published", error=type(error).__name__)
        if errors and not sent:
            raise errors[0]
        return len(sent)

    async def _count(self) -> None:
        now = self._now()
        if self._counted_at is None or now - self._counted_at >= COUNT_EVERY:
            OVERDUE.set(await count_overdue(self._db, now))
            self._counted_at = now
