"""Tell the parent task of a channel's import how the first sync of its source went."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from kit.errors import RateLimitError, UpstreamUnavailableError
from kit.mongo import Database, Document
from records import batches
from records.sources.outcome import ItemOutcome
from schemas.events import ContentFetched


async def abandon(db: Database, task_id: UUID | None, now: datetime) -> None:
    """Fail the task, if there is one: its source was removed."""
    if task_id is not None:
        await batches.abandoned(db, task_id, now)


async def report(
    db: Database, task_id: UUID | None, run: Document, source: Document, events: Sequence[ContentFetched], now: datetime
) -> None:
    """Name the task's children, or say why there are none. It stays open while its source is synced again for it."""
    if task_id is None:
        return
    error = run["error"]
    if error is None:
        children = [(it.url, it.import_id) for it in events]
        skipped = [
            batches.skipped(it["url"], it["reason"], it["suggestion"])
            for it in run["items"]
            if it["outcome"] == ItemOutcome.SKIPPED
        ]
        await batches.listed(db, task_id, children, skipped, now)
    elif source["task_id"] == task_id:
        shown = source["next_sync_at"] + timedelta(seconds=59)
        await batches.waiting(
            db, task_id, f"{error['error']} Next try at {shown:%H:%M} UTC.", source["next_sync_at"], now
        )
    else:
        await batches.failed(db, task_id, _final(error), now)


def _final(error: Document) -> Document:
    """Return an error body that promises no further try: only the source goes on, and not the task."""
    if error["error_code"] not in (RateLimitError.error_code, UpstreamUnavailableError.error_code):
        return error
    kept = {name: value for name, value in error.items() if name != "retry_at"}
    return kept | {
        "action": "retry",
        "suggestion": "Import the link again. A followed source is also synced again automatically.",
    }
