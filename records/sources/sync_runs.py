"""The record of one sync of a source in MongoDB (`runs`): what the fetcher writes and the source's history shows.

It is written, finished, before anything of it is emitted, so that a redelivered event finds it and repeats what it did.
What became of a `requested` item is told by its import.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
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
    outcome: ItemOutcome,
    external_id: str,
    url: str,
    title: str,
    *,
    reason: str = "",
    suggestion: str = "",
    import_id: UUID | None = None,
) -> Document:
    """An entry of a run's `items`."""
    entry: Document = {"external_id": external_id, "url": url, "title": title, "outcome": outcome}
    more = {"reason": reason, "suggestion": suggestion, "import_id": import_id}
    return entry | {name: value for name, value in more.items() if value}


def finished(
    event: SyncRequested,
    outcome: RunOutcome,
    *,
    reason: str,
    started_at: datetime,
    finished_at: datetime,
    cost: Mapping[str, int],
    items: Sequence[Document] = (),
    error: Document | None = None,
) -> Document:
    """`reason` is why it was synced; `cost` are the units that it spent, by bucket; `error` is an error body. The
    next sync follows from the end of this one and is told by `planned`."""
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
        "cost": dict(cost),
        "items": list(items),
        "next_sync_at": None,
        "next_reason": None,
    }


def planned(source: Document) -> Document:
    """The fields of a run that tell of the sync after it."""
    return {"next_sync_at": source["next_sync_at"], "next_reason": source["next_reason"]}
