"""The record of one sync of a source (`runs`): what the fetcher writes and the source's history shows.

A run is stored after everything that it emits and before any of it is sent. A redelivered event finds the run and
repeats what it did. What became of a `requested` item is told by its import.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pymongo.errors import DuplicateKeyError

from kit.mongo import Database, Document
from records.sources.items import KnownItem, remember_items
from records.sources.outbox import store_events
from records.sources.outcome import SyncOutcome
from schemas.events import ContentFetched, SyncRequested


def run_record(
    event: SyncRequested,
    outcome: SyncOutcome,
    *,
    reason: str,
    started_at: datetime,
    finished_at: datetime,
    cost: Mapping[str, int],
    known: Mapping[str, KnownItem],
) -> Document:
    """Return the record of a finished run. `reason` is why it was synced, `cost` the units spent, by bucket. `close`
    adds the next sync, which follows from this outcome."""
    return {
        "_id": event.id,
        "source_id": event.source_id,
        "user_id": event.user_id,
        "due_at": event.due_at,
        "reason": reason,
        "started_at": started_at,
        "finished_at": finished_at,
        "outcome": outcome.of_the_run,
        "error": outcome.error,
        "cost": dict(cost),
        "items": list(outcome.entries),
        "items_found": len(known.keys() | {it.external_id for it in outcome.items}),
        "left_out": dict(outcome.left_out),
        "standings": [it.model_dump() for it in outcome.standings],
        "ended": outcome.for_source,
        "next_sync_at": None,
        "next_reason": None,
    }


async def find(db: Database, run_id: UUID) -> Document | None:
    return await db.runs.find_one({"_id": run_id})


async def store(
    db: Database, run: Document, events: Sequence[ContentFetched], known: Mapping[str, KnownItem]
) -> Document:
    """Store a run and what it emits. Returns the stored run, which another process may have made."""
    await store_events(db, run, events, known)
    try:
        await db.runs.insert_one(run)
    except DuplicateKeyError:
        return await find(db, run["_id"]) or run
    return run


async def close(db: Database, run: Document, events: Sequence[ContentFetched], source: Document) -> None:
    """Remember what the source has emitted, and note in the run when the source is synced next. Idempotent."""
    await remember_items(db, run, events)
    following = {name: source[name] for name in ("next_sync_at", "next_reason")}
    await db.runs.update_one({"_id": run["_id"], "next_reason": None}, {"$set": following})
