"""The record of one look at a source in MongoDB (`runs`): what the fetcher writes and the source's history shows.

It is written, finished, before anything of it is emitted, and never changes: a redelivered event finds it. What became
of a `requested` item is told by its import.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from kit.mongo import Document
from schemas.events import SyncRequested


class RunOutcome(StrEnum):
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    FAILED = "failed"


class ItemOutcome(StrEnum):
    REQUESTED = "requested"  # sent on its way, as the import `import_id`
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"  # for a `reason`
    GONE = "gone"
    PRIVATE = "private"


def child_import(run_id: UUID, external_id: str) -> UUID:
    """The import that takes an item of a run through the journey."""
    return uuid5(run_id, external_id)


def item(
    outcome: ItemOutcome, external_id: str, url: str, title: str, *, reason: str = "", import_id: UUID | None = None
) -> Document:
    """An entry of a run's `items`."""
    entry: Document = {"external_id": external_id, "url": url, "title": title, "outcome": outcome}
    return entry | ({"reason": reason} if reason else {}) | ({"import_id": import_id} if import_id else {})


def finished(
    event: SyncRequested,
    outcome: RunOutcome,
    *,
    reason: str,
    started_at: datetime,
    finished_at: datetime,
    cost: dict[str, int],
    items: Sequence[Document] = (),
    error: dict[str, Any] | None = None,
    next_sync_at: datetime | None = None,
    next_reason: str | None = None,
) -> Document:
    """`reason` is why it was looked at; `cost` are the units that it spent, by bucket; `error` is an error body. The
    next look is as it was planned when this one ended."""
    return {
        "_id": event.id,
        "source_id": event.source_id,
        "user_id": event.user_id,
        "due_at": event.due_at,
        "reason": reason,
        "started_at": started_at,
        "finished_at": finished_at,
        "outcome": outcome,
        "error": error,
        "cost": cost,
        "items": list(items),
        "next_sync_at": next_sync_at,
        "next_reason": next_reason,
    }
