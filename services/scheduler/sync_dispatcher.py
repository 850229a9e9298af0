"""SyncDispatcher that are due go on their way, each once.

A claim is a lease: it hides a source from every other scheduler until it runs out, and what was emitted stays hidden
until its sync has ended or counts as lost. An event's id is derived from the time that its source was due, so that
whatever is emitted again is the same event.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from prometheus_client import Counter, Gauge

from kit.clock import Clock, utc_now
from kit.mongo import Database, Document
from records.sources.record import Reason, sync_requested
from schemas.events import SyncRequested
from services.scheduler.due import overdue, to_emit

log = structlog.get_logger()

EMITTED = Counter("thrive_syncs_requested", "Syncs that the scheduler requested, by reason.", ["reason"])
OVERDUE = Gauge("thrive_sources_overdue", "SyncDispatcher that have been due for an hour and were not synced.")

CLAIM = timedelta(seconds=30)
COUNT_EVERY = timedelta(seconds=30)
PRIORITIES = (
    (Reason.NEW, Reason.REQUESTED),  # a member waits
    (Reason.PUSH,),  # one upload is a sync for each follower
    (Reason.INTERVAL, Reason.RETRY, Reason.LIMIT),
)

Publish = Callable[[SyncRequested], Awaitable[None]]


class SyncDispatcher:
    """`at_once` bounds what a tick emits of each lane, so that no backlog becomes a burst and nobody waits behind
    another lane's. `lost_after` is when a sync that has not ended is asked for again."""

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

    async def tick(self) -> int:
        """One round; how many it emitted. Raises what the engines raise: the next round tries again."""
        await self._count()
        return sum([await self._emit(await self._claim(reasons)) for reasons in PRIORITIES])

    async def _claim(self, reasons: tuple[Reason, ...]) -> list[Document]:
        """The longest due, that no other scheduler has in hand."""
        now = self._now()
        free = to_emit(now, reasons)
        found = await self._db.sources.find(free, {"_id": 1}).sort("emit_at", 1).limit(self._at_once).to_list()
        if not found:
            return []
        claim = uuid4()
        ids = {"$in": [source["_id"] for source in found]}
        await self._db.sources.update_many({**free, "_id": ids}, {"$set": {"claim": claim, "emit_at": now + CLAIM}})
        return await self._db.sources.find({"_id": ids, "claim": claim}, {"cursor": 0, "metadata": 0}).to_list()

    async def _emit(self, claimed: list[Document]) -> int:
        if not claimed:
            return 0
        results = await asyncio.gather(*map(self._emit_one, claimed), return_exceptions=True)
        sent = [source for source, result in zip(claimed, results, strict=True) if result is None]
        # After the broker has them. Whoever wanted another sync meanwhile has ended the claim, and it is due again.
        await self._db.sources.update_many(
            {"_id": {"$in": [source["_id"] for source in sent]}, "claim": claimed[0]["claim"]},
            {"$set": {"emit_at": self._now() + self._lost_after}, "$unset": {"claim": ""}},
        )
        for source in sent:
            EMITTED.labels(source["next_reason"]).inc()
        errors = [result for result in results if result is not None]
        for error in errors:
            log.warning("sync request not published", error=type(error).__name__)
        if errors and not sent:
            raise errors[0]
        return len(sent)

    async def _emit_one(self, source: Document) -> None:
        await self._publish(sync_requested(source))

    async def _count(self) -> None:
        now = self._now()
        if self._counted_at is None or now - self._counted_at >= COUNT_EVERY:
            OVERDUE.set(await self._db.sources.count_documents(overdue(now)))
            self._counted_at = now
