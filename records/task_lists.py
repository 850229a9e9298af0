"""The lists of tasks, newest first: imports, and the listings of channels."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Database, Document, Record
from records.batches import BatchRecord, batches
from records.imports import ImportRecord, imports
from records.states import State

# A channel's listing is itself a task while it has no imports: only in these states.
LISTED = (State.PROCESSING, State.FAILED)
Before = tuple[datetime, UUID]  # `created_at` and `_id` of the last record of the page before


async def newest(
    db: Database,
    *,
    user_id: str | None = None,
    states: Sequence[State] = tuple(State),
    limit: int = 20,
    before: Before | None = None,
) -> list[ImportRecord]:
    """Return the latest imports in these states, of one member or of all, newest first."""
    return await _newest(imports(db), user_id, states, limit, before)


async def newest_tasks(
    db: Database,
    user_id: str,
    *,
    states: Sequence[State] = tuple(State),
    limit: int = 20,
    before: Before | None = None,
) -> list[ImportRecord | BatchRecord]:
    """Return a member's latest imports in these states and the channel listings that are `LISTED`, newest first."""
    found: list[ImportRecord | BatchRecord] = []
    found += await newest(db, user_id=user_id, states=states, limit=limit, before=before)
    if listed := [state for state in states if state in LISTED]:
        listings: list[BatchRecord] = await _newest(batches(db), user_id, listed, limit, before)
        found += listings
    return sorted(found, key=lambda record: (record["created_at"], record["_id"]), reverse=True)[:limit]


async def _newest(
    records: AsyncCollection[Record], user_id: str | None, states: Sequence[State], limit: int, before: Before | None
) -> list[Record]:
    """Read no more than is returned: the index has each state in the order of time, and several are merged."""
    which: Document = {"state": {"$in": list(states)}, **({"user_id": user_id} if user_id else {})}
    if before:
        at, last_id = before
        # The first bound is the index's; the others order the records of the same moment.
        which |= {"created_at": {"$lte": at}, "$or": [{"created_at": {"$lt": at}}, {"_id": {"$lt": last_id}}]}
    return await records.find(which).sort([("created_at", -1), ("_id", -1)]).limit(limit).to_list()
