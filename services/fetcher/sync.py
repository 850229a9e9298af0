"""A sync at a followed source: what is new or changed goes on its way, and how it ended stays in the source.

Nobody waits for most syncs, so a failure is the source's: it is told in its state and its history, and tried again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter as Metric

from integrations.base import SyncResult
from integrations.registry import IntegrationRegistry, Recognised
from kit.errors import (
    ContentNotFoundError,
    ImportProblem,
    InternalError,
    Outcome,
    RateLimitError,
    UpstreamUnavailableError,
)
from kit.mongo import Database, Document, is_outage
from records import batches
from records.sources.record import Reason, SourceState, to_millis
from records.sources.sync_runs import ItemOutcome, RunOutcome, finished, planned
from records.sources.transitions import SyncOutcome, settle
from schemas.events import ContentFetched, Event, SourceSynced, SyncRequested, UpstreamStatus
from services.fetcher.changes import Changes, KnownItem, changes, gone
from services.fetcher.reader import SyncJob, SyncView
from services.fetcher.runs import Runs, content_fetched

log = structlog.get_logger(__name__)

SYNCS = Metric("thrive_syncs", "Syncs of followed sources, by platform and outcome", ["platform", "outcome"])
MAX_STANDINGS = 1_000  # in one event
ASKED_FOR = (Reason.REQUESTED, Reason.PUSH)  # there is something newer than what anybody has seen


class CredentialedReader(Protocol):
    async def sync(self, found: Recognised, job: SyncJob, spent: Counter[str]) -> SyncView: ...


class Sync:
    """`fresh` is how long an answer for everybody serves those who come later; `patience` is how long a sync may take,
    and shorter than the handler's own timeout, which would leave the source as if it had not been synced. What
    nobody has found for `hide_after` is hidden, as it may have become private."""

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
        self._runs = Runs(db)
        self._registry = registry
        self._reader = reader
        self._fresh = fresh
        self._patience = patience
        self._hide_after = hide_after
        self._now = now

    async def __call__(self, event: SyncRequested) -> list[Event]:
        """What is to be emitted, the same for a redelivered event; of a source that has been removed, only what has its
        imports already. A bug is raised once its source and whoever waits know that the sync has failed."""
        run, bug = await self._runs.find(event.id), None
        if run is None:
            source = await self._db.sources.find_one({"_id": event.source_id, "user_id": event.user_id})
            if source is None:
                return await self._removed(event)
            run, bug = await self._synced(event, source)
        fetched = await self._runs.handed_on(run)
        source = await settle(self._db, event.source_id, event.due_at, _ended(run), run["finished_at"])
        if source is None:
            return await self._removed(event)
        await self._runs.remember(run, fetched)
        await self._runs.plan(run["_id"], planned(source))
        if event.task_id is not None:
            await self._report(event.task_id, run, source, fetched)
        if bug is not None:
            raise bug
        return [*fetched, *_synced(event, run, source["platform"])]

    async def _removed(self, event: SyncRequested) -> list[Event]:
        if event.task_id is not None:
            await batches.abandoned(self._db, event.task_id, self._now())
        return [*await self._runs.outgoing(event.id)]

    async def _synced(self, event: SyncRequested, source: Document) -> tuple[Document, Exception | None]:
        """The finished run, stored with all that it hands on; and the bug that it failed of."""
        started_at, spent = self._now(), Counter[str]()
        seen = await self._runs.seen(event.source_id)
        problem: ImportProblem | None = None
        bug: Exception | None = None
        events: list[ContentFetched] = []
        try:
            found, ended = await self._in_time(event, source, seen, spent)
            events = [content_fetched(event, it) for it in found.items]
        except ImportProblem as error:
            if error.outcome is Outcome.RETRY:
                raise
            problem, ended, found = error, SyncOutcome.by(error), Changes()
            if isinstance(error, ContentNotFoundError):
                hidden = self._gone_for_long(source) and any(it.url == event.url for it in seen.values())
                ended, found = replace(ended, hidden=hidden), gone(event, seen, hidden=hidden)
        except Exception as error:
            if is_outage(error):
                raise
            bug, problem, found = error, InternalError("Something went wrong on our side."), Changes()
            ended = SyncOutcome.by(problem)
        outcome = RunOutcome.FAILED if problem else found.outcome
        SYNCS.labels(source["platform"], outcome).inc()
        log.info("sync finished", source_id=str(event.source_id), outcome=outcome, items=len(found.items))
        run = finished(
            event,
            outcome,
            reason=source["next_reason"],
            started_at=to_millis(started_at),
            finished_at=to_millis(self._now()),
            cost=spent,
            items=found.entries,
            error=problem.body() if problem else None,
        )
        run |= {
            "ended": asdict(ended),
            "standings": [it.model_dump() for it in found.standings],
            "left_out": dict(found.left_out),
            "items_found": len(seen.keys() | {it.external_id for it in found.items}),
        }
        return await self._runs.record(run, events, seen), bug

    async def _in_time(
        self, event: SyncRequested, source: Document, seen: dict[str, KnownItem], spent: Counter[str]
    ) -> tuple[Changes, SyncOutcome]:
        try:
            async with asyncio.timeout(self._patience.total_seconds()) as limit:
                return await self._found(event, source, seen, spent)
        except TimeoutError:
            if not limit.expired():
                raise
            raise UpstreamUnavailableError("The sync took too long.") from None

    async def _found(
        self, event: SyncRequested, source: Document, seen: dict[str, KnownItem], spent: Counter[str]
    ) -> tuple[Changes, SyncOutcome]:
        view = await self._reader.sync(
            self._registry.recognise_source(event.url),
            SyncJob.at(source, event, frozenset(seen), not_before=self._not_before(event, source)),
            spent,
        )
        result = view.result
        ended = SyncOutcome(
            SourceState.OK,
            metadata=result.metadata,
            cursor=result.cursor,
            url=result.url if result.url != event.url else None,
            display_name=result.display_name,
            connection=view.connection,
            private=_is_private(result, result.url or event.url),
        )
        found = changes(event, result, seen, view.seen_at)
        known = {it.external_id: seen[it.external_id] for it in found.items if it.external_id in seen}
        deleted = await self._runs.deleted(event.user_id, source["platform"], known) if known else ()
        return found.without(deleted), ended

    def _gone_for_long(self, source: Document) -> bool:
        since = source.get("gone_since")
        return since is not None and self._now() - since >= self._hide_after

    def _not_before(self, event: SyncRequested, source: Document) -> datetime:
        young = self._now() - self._fresh
        return max(young, event.due_at) if source["next_reason"] in ASKED_FOR else young

    async def _report(self, task_id: UUID, run: Document, source: Document, fetched: Sequence[ContentFetched]) -> None:
        """The parent task learns its children, or why there are none; it waits while its source is synced again."""
        now, error = self._now(), run["error"]
        if error is None:
            children = [(it.url, it.import_id) for it in fetched]
            skipped = [
                batches.skipped(it["url"], it["reason"], it["suggestion"])
                for it in run["items"]
                if it["outcome"] == ItemOutcome.SKIPPED
            ]
            await batches.listed(self._db, task_id, children, skipped, now)
        elif source["task_id"] == task_id:
            await batches.waiting(self._db, task_id, _until(error["error"], source), source["next_sync_at"], now)
        else:
            await batches.failed(self._db, task_id, _given_up(error), now)


def _until(error: str, source: Document) -> str:
    return f"{error} Next try at {source['next_sync_at'] + timedelta(seconds=59):%H:%M} UTC."


def _given_up(error: Document) -> Document:
    """What waited for an upstream does not go on by itself any more for whoever waits; its source does."""
    if error["error_code"] not in (RateLimitError.error_code, UpstreamUnavailableError.error_code):
        return error
    told = {name: value for name, value in error.items() if name != "retry_at"}
    return told | {
        "action": "retry",
        "suggestion": "Import the link again. A followed source is also synced again automatically.",
    }


def _is_private(result: SyncResult, url: str) -> bool:
    """Of the source itself; what a channel lists stands for itself."""
    items = any(it.is_private for it in result.items if it.url == url)
    return items or any(it.state == "private" for it in result.standings if it.url == url)


def _ended(run: Document) -> SyncOutcome:
    state = run["ended"]["state"]
    return SyncOutcome(**{**run["ended"], "state": state and SourceState(state)})


def _synced(event: SyncRequested, run: Document, platform: str) -> list[SourceSynced]:
    """That it was synced, unless nothing could be seen."""
    standings = [UpstreamStatus.model_validate(it) for it in run["standings"]]
    if run["outcome"] == RunOutcome.FAILED and not standings:
        return []
    return [
        SourceSynced(
            **event.lineage(SourceSynced, str(start or "")),
            source_id=event.source_id,
            platform=platform,
            items_found=run["items_found"],
            synced_at=run["finished_at"],
            standings=tuple(standings[start : start + MAX_STANDINGS]),
        )
        for start in range(0, max(len(standings), 1), MAX_STANDINGS)
    ]
