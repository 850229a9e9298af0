"""Sync a followed source: emit what is new or changed, and store the outcome in the source.

Few syncs have a member waiting, so a failure belongs to the source: its state and its history show it, and it is tried
again. A sync takes four shapes: SyncJob, SyncResult, SyncOutcome, and the fields of the source.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from prometheus_client import Counter as Metric

from integrations.base import SyncResult
from integrations.registry import IntegrationRegistry, Recognised
from kit.errors import ImportProblem, InternalError, Outcome, UpstreamUnavailableError
from kit.mongo import Database, Document, is_outage, to_millis
from records.sources import record, sync_runs
from records.sources.items import deleted_items, known_items
from records.sources.outbox import stored_events
from records.sources.outcome import RunOutcome, SyncOutcome, child_import
from records.sources.record import Reason
from records.sources.transitions import apply_outcome
from schemas.content import Item
from schemas.events import ContentFetched, Event, SourceSynced, SyncRequested, UpstreamStatus
from services.fetcher import parent_task
from services.fetcher.changes import outcome_of, outcome_of_problem
from services.fetcher.job import SyncJob

log = structlog.get_logger(__name__)

SYNCS = Metric("thrive_syncs", "Syncs of followed sources, by platform and outcome", ["platform", "outcome"])
MAX_STANDINGS = 1_000  # in one event
ASKED_FOR = (Reason.REQUESTED, Reason.PUSH)  # something is newer than every stored response


class CredentialedReader(Protocol):
    async def sync(self, found: Recognised, job: SyncJob, spent: Counter[str]) -> SyncResult: ...


class Sync:
    """`fresh` is how long a public response serves other syncs. `patience` limits a sync; it is shorter than the
    handler's timeout, which would leave the source without an outcome. What is gone for `hide_after` is hidden, as it
    may have become private."""

    def __init__(
        self,
        db: Database,
        registry: IntegrationRegistry,
        reader: CredentialedReader,
        *,
        fresh: timedelta,
        patience: timedelta,
        hide_after: timedelta = timedelta(days=7),
        now: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._registry = registry
        self._reader = reader
        self._fresh = fresh
        self._patience = patience
        self._hide_after = hide_after
        self._now = now

    async def __call__(self, event: SyncRequested) -> list[Event]:
        """Return the events to emit, the same for a redelivered event. Of a source that was removed, return only those
        that have their imports already. Raises a bug once the source and the parent task show the failure."""
        run, bug = await self._run(event)
        changed = run is None or run["outcome"] == RunOutcome.CHANGED
        events = await stored_events(self._db, event.id) if changed else []
        source = run and await apply_outcome(
            self._db, event.source_id, event.due_at, SyncOutcome.of_run(run), run["finished_at"]
        )
        if run is None or source is None:
            await parent_task.abandon(self._db, event.task_id, self._now())
            return [*events]
        await sync_runs.close(self._db, run, events, source)
        await parent_task.report(self._db, event.task_id, run, source, events, self._now())
        if bug is not None:
            raise bug
        return [*events, *_synced(event, run, source["platform"])]

    async def _run(self, event: SyncRequested) -> tuple[Document | None, Exception | None]:
        """Return the stored run, made now unless the event was redelivered, and the bug that it failed of. There is no
        run of a source that was removed."""
        if run := await sync_runs.find(self._db, event.id):
            return run, None
        source = await record.find(self._db, event.source_id, event.user_id)
        if source is None:
            return None, None
        now, spent = self._now(), Counter[str]()
        fresh_from = now - self._fresh
        not_before = max(fresh_from, event.due_at) if source["next_reason"] in ASKED_FOR else fresh_from
        job = SyncJob(event, source, await known_items(self._db, event.source_id), now, not_before)
        outcome, events, bug = await self._outcome(job, spent)
        SYNCS.labels(source["platform"], outcome.of_the_run).inc()
        log.info("sync finished", source_id=str(event.source_id), outcome=outcome.of_the_run, items=len(events))
        run = sync_runs.run_record(
            event,
            outcome,
            reason=source["next_reason"],
            started_at=to_millis(now),
            finished_at=to_millis(self._now()),
            cost=spent,
            known=job.known,
        )
        return await sync_runs.store(self._db, run, events, job.known), bug

    async def _outcome(
        self, job: SyncJob, spent: Counter[str]
    ) -> tuple[SyncOutcome, list[ContentFetched], Exception | None]:
        try:
            outcome = await self._within_patience(job, spent)
            return outcome, [_content_fetched(job.event, item) for item in outcome.items], None
        except ImportProblem as problem:
            if problem.outcome is Outcome.RETRY:
                raise
            return outcome_of_problem(job, problem, self._hide_after), [], None
        except Exception as bug:
            if is_outage(bug):
                raise
            return SyncOutcome.of_problem(InternalError("Something went wrong on our side.")), [], bug

    async def _within_patience(self, job: SyncJob, spent: Counter[str]) -> SyncOutcome:
        try:
            async with asyncio.timeout(self._patience.total_seconds()) as limit:
                found = self._registry.recognise_source(job.event.url)
                outcome = outcome_of(job, await self._reader.sync(found, job, spent))
                user_id, platform = job.event.user_id, job.source["platform"]
                return outcome.without(await deleted_items(self._db, user_id, platform, outcome.items, job.known))
        except TimeoutError:
            if not limit.expired():
                raise
            raise UpstreamUnavailableError("The sync took too long.") from None


def _content_fetched(event: SyncRequested, item: Item) -> ContentFetched:
    """`url` is the item's own: a renamed repository goes by its new name."""
    return ContentFetched(
        id=event.child_id(ContentFetched, item.external_id),
        import_id=child_import(event.id, item.external_id),
        user_id=event.user_id,
        url=item.url,
        item=item,
        options=event.options,
    )


def _synced(event: SyncRequested, run: Document, platform: str) -> Iterator[SourceSynced]:
    """Yield the events that tell of the sync. Without a status to tell, a failed one has none."""
    standings: Sequence[UpstreamStatus] = [UpstreamStatus.model_validate(it) for it in run["standings"]]
    if run["outcome"] == RunOutcome.FAILED and not standings:
        return
    for start in range(0, max(len(standings), 1), MAX_STANDINGS):
        yield SourceSynced(
            **event.lineage(SourceSynced, str(start or "")),
            source_id=event.source_id,
            platform=platform,
            items_found=run["items_found"],
            synced_at=run["finished_at"],
            standings=tuple(standings[start : start + MAX_STANDINGS]),
        )
