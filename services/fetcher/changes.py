"""Compare the result of a sync with what its source has emitted. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from integrations.base import SyncResult
from kit.errors import ContentNotFoundError, ImportProblem
from kit.mongo import Document
from records.sources.items import KnownItem, version
from records.sources.outcome import ItemOutcome, SyncOutcome, child_import, entry
from records.sources.record import SourceState
from schemas.content import Item
from schemas.events import SyncRequested, UpstreamStatus
from services.fetcher.job import SyncJob

MAX_ENTRIES = 1_000  # of a run; beyond them it only tells how many there were

_OUTCOMES = {"there": ItemOutcome.UNCHANGED, "gone": ItemOutcome.GONE, "private": ItemOutcome.PRIVATE}


def outcome_of(job: SyncJob, result: SyncResult) -> SyncOutcome:
    """Return what a successful sync changes."""
    event, known = job.event, job.known
    items = tuple(
        it.model_copy(update={"seen_at": result.read_at, "formerly": _formerly(event, result, known, it)})
        for it in result.items
        if it.external_id not in known or version(it) != known[it.external_id].version
    )
    standings, unchanged = _statuses(result, known, {it.external_id for it in items})
    entries = [
        entry(ItemOutcome.REQUESTED, it.external_id, it.url, it.title, import_id=child_import(event.id, it.external_id))
        for it in items
    ]
    entries += [
        entry(ItemOutcome.SKIPPED, it.external_id, it.url, it.title, reason=it.reason, suggestion=it.suggestion)
        for it in result.skipped
    ]
    entries += unchanged
    entries.sort(key=lambda it: it["outcome"] == ItemOutcome.UNCHANGED)  # what changed comes first
    return SyncOutcome(
        SourceState.OK,
        metadata=result.metadata,
        cursor=result.cursor,
        url=result.url if result.url != event.url else None,
        display_name=result.display_name,
        connection=result.connection,
        private=_is_private(result, result.url or event.url),
        items=items,
        entries=tuple(entries[:MAX_ENTRIES]),
        standings=standings,
        left_out=Counter(str(it["outcome"]) for it in entries[MAX_ENTRIES:]),
    )


def outcome_of_problem(job: SyncJob, problem: ImportProblem, hide_after: timedelta) -> SyncOutcome:
    """Return what a failed sync changes. Upstreams do not tell what was deleted from what became private: an item that
    has been gone for `hide_after` counts as private. What a gone source has listed keeps its status."""
    outcome = SyncOutcome.of_problem(problem)
    if not isinstance(problem, ContentNotFoundError):
        return outcome
    url = job.event.url
    gone_since = job.source.get("gone_since")
    long_gone = gone_since is not None and job.now - gone_since >= hide_after
    hidden = long_gone and any(it.url == url for it in job.known.values())
    status = UpstreamStatus(url=url, state="private" if hidden else "gone")
    standings, entries = _statuses(SyncResult(standings=(status,)), job.known, set())
    return replace(outcome, hidden=hidden, standings=standings, entries=tuple(entries))


def _statuses(
    result: SyncResult, known: Mapping[str, KnownItem], emitted: set[str]
) -> tuple[tuple[UpstreamStatus, ...], list[Document]]:
    """Return the statuses that changed, and an entry for each status of a known item that is not emitted."""
    by_url = {it.url: (external_id, it) for external_id, it in known.items()}
    found: dict[str, UpstreamStatus] = {}
    for status in _all_statuses(result):
        external_id, _ = by_url.get(status.url, (None, None))
        if external_id is not None and external_id not in emitted and status.url not in found:
            found[status.url] = status.model_copy(update={"external_id": external_id})
    entries = [entry(_OUTCOMES[it.state], by_url[url][0], url, by_url[url][1].title) for url, it in found.items()]
    return tuple(it for url, it in found.items() if by_url[url][1].state != it.state), entries


def _all_statuses(result: SyncResult) -> Iterator[UpstreamStatus]:
    """An item that was read is there, whatever else is said of it."""
    for it in result.items:
        yield UpstreamStatus(url=it.url, state="private" if it.is_private else "there")
    yield from result.standings


def _formerly(event: SyncRequested, result: SyncResult, known: Mapping[str, KnownItem], item: Item) -> str | None:
    """Return the item's link before: as it was emitted, or as it was followed."""
    followed = event.url if result.url == item.url else item.url
    before = known[item.external_id].url if item.external_id in known else followed
    return before if before != item.url else None


def _is_private(result: SyncResult, url: str) -> bool:
    """Whether the source itself is private, and not only what it lists."""
    items = any(it.is_private for it in result.items if it.url == url)
    return items or any(it.state == "private" for it in result.standings if it.url == url)
