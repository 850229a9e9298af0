"""The record of an import in MongoDB (`imports`): what the gateway writes, the projector moves and the relay reads.

`progress` is a rank that only grows, so that events may arrive late, twice or out of order. `version` grows with
every change and is the id of the status stream's events.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from pymongo.errors import DuplicateKeyError

from kit.mongo import Collection, Database, Document
from schemas.events import (
    ContentAnalyzed,
    ContentFetched,
    ImportRequested,
    Options,
    PointsAwarded,
    ProjectDrafted,
    ProjectSaved,
)


class State(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


INTERACTIVE, BULK, SYNC = 0, 1, 2  # priorities: a lower one goes first; nobody waits for a sync's
# What a member's share of the pipeline is counted by: a filter.
IN_FLIGHT: Document = {"active": True, "released": True, "priority": {"$ne": SYNC}}
TERMINAL = (State.COMPLETED, State.FAILED)
DONE = 6
WATCHED_AFTER = timedelta(minutes=1)  # the relay looks at an import that has not ended by then; most have

# What a member reads while an event of this topic is the last one seen: rank, percent, words.
PROGRESS: dict[str, tuple[int, int, str]] = {
    ImportRequested.topic: (1, 10, "Fetching the content"),
    ContentFetched.topic: (2, 35, "Analysing the content"),
    ContentAnalyzed.topic: (3, 70, "Building the project"),
    ProjectDrafted.topic: (4, 80, "Saving the project"),
    ProjectSaved.topic: (5, 90, "Awarding points"),
    PointsAwarded.topic: (DONE, 100, "Your project is ready"),
}
PERCENT = {0: 0, **{rank: percent for rank, percent, _ in PROGRESS.values()}}

# A failure at a stage belongs before the rank that the stage's own event would have reached.
FAILS_BELOW = {"fetcher": 2, "analyzer": 3, "transformer": 4, "writer": 5, "awarder": DONE}


def pending(
    *,
    task_id: UUID,
    user_id: str,
    url: str,
    integration: str,
    options: Options,
    released: bool,
    now: datetime,
    priority: int = INTERACTIVE,
) -> Document:
    """A new import, as the gateway stores it before it publishes anything."""
    return {
        "_id": task_id,
        "user_id": user_id,
        "url": url,
        "integration": integration,
        "options": options.model_dump(),
        "state": State.PENDING,
        "stage": "gateway",
        "progress": 0,
        "message": "Waiting to start" if released else "Waiting for your other imports to finish",
        "version": 1,
        "attempt": 1,
        "active": True,
        "released": released,
        "published": False,
        "priority": priority,
        "watch_at": now + WATCHED_AFTER,
        "created_at": now,
        "updated_at": now,
    }


def requested(record: Document) -> ImportRequested:
    """The command that starts an import. Its id is derived, so that publishing it again repeats nothing."""
    task_id: UUID = record["_id"]
    return ImportRequested(
        id=uuid5(task_id, ImportRequested.__name__),
        import_id=task_id,
        user_id=record["user_id"],
        url=record["url"],
        options=Options.model_validate(record["options"]),
        requested_at=record["created_at"],
    )


# Of channels only these are listed: then the channel has no imports that would be listed themselves.
LISTED = (State.PROCESSING, State.FAILED)
Before = tuple[datetime, UUID]  # `created_at` and `_id` of the last record that was seen


async def newest(
    db: Database,
    *,
    user_id: str | None = None,
    states: Sequence[State] = tuple(State),
    limit: int = 20,
    before: Before | None = None,
) -> list[Document]:
    """The latest imports in these states, of one member or of everybody, newest first."""
    return await _newest(db.imports, user_id, states, limit, before)


async def newest_tasks(
    db: Database,
    user_id: str,
    *,
    states: Sequence[State] = tuple(State),
    limit: int = 20,
    before: Before | None = None,
) -> list[Document]:
    """A member's latest imports in these states, and the `batches` of channels that are `LISTED`, newest first."""
    found = await newest(db, user_id=user_id, states=states, limit=limit, before=before)
    if listed := [state for state in states if state in LISTED]:
        found += await _newest(db.batches, user_id, listed, limit, before)
    return sorted(found, key=lambda record: (record["created_at"], record["_id"]), reverse=True)[:limit]


async def _newest(
    collection: Collection, user_id: str | None, states: Sequence[State], limit: int, before: Before | None
) -> list[Document]:
    """Reads no more than it returns: the index has each state in the order of time, and those of several are merged."""
    which: Document = {"state": {"$in": list(states)}, **({"user_id": user_id} if user_id else {})}
    if before:
        at, last_id = before
        # The first bound is the index's, the others tell those of the same moment apart.
        which |= {"created_at": {"$lte": at}, "$or": [{"created_at": {"$lt": at}}, {"_id": {"$lt": last_id}}]}
    return await collection.find(which).sort([("created_at", -1), ("_id", -1)]).limit(limit).to_list()


async def reopen(db: Database, import_id: UUID, user_id: str) -> bool:
    """A failed import is tried once more, by an operator's replay: a new attempt, from where it stood.

    False when the member has no such import, or it has not failed.
    """
    which = {"_id": import_id, "user_id": user_id, "state": State.FAILED}
    changes: Document = {
        "$set": {"state": State.PROCESSING, "message": "Trying again", "updated_at": datetime.now(UTC), "active": True},
        "$unset": {"error": "", "ended_at": ""},
        "$inc": {"version": 1, "attempt": 1},
    }
    try:
        result = await db.imports.update_one(which, changes)
    except DuplicateKeyError:  # the member has pasted the link again meanwhile; that import holds its place
        del changes["$set"]["active"]
        result = await db.imports.update_one(which, changes)
    return result.matched_count == 1
