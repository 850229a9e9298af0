"""The import records (`imports`): the gateway stores them, the projector advances them, the relay reads them.

`progress` is a rank that only grows, so that events may arrive late, twice or out of order. `version` grows with
every change and is the id of the status stream's events. The projector's updates are in `import_status`, the relay's
queries in `import_queue`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NotRequired, TypedDict
from uuid import UUID, uuid5

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from kit.mongo import Database, Document, collection
from records.states import TERMINAL as TERMINAL
from records.states import ErrorBody, IdempotencyKey
from records.states import State as State
from schemas.events import (
    ContentAnalyzed,
    ContentFetched,
    ImportRequested,
    Options,
    PointsAwarded,
    ProjectDrafted,
    ProjectSaved,
)


class ImportResult(TypedDict):
    project_id: UUID
    slug: str
    created: bool


class ImportRecord(TypedDict):
    """One import. An import that other systems published has no `integration`, no `options` and no `watch_at`."""

    _id: UUID  # the task id
    user_id: str
    url: str  # canonical
    integration: str
    options: dict[str, bool]
    state: State
    stage: str
    progress: int  # a rank of `PROGRESS`
    message: str
    version: int
    attempt: int
    active: bool  # holds the place of its link
    released: bool  # the relay may publish it
    published: bool  # seen on its topic
    priority: int
    watch_at: NotRequired[datetime]
    created_at: datetime
    updated_at: datetime
    keys: NotRequired[list[IdempotencyKey]]  # of the requests that it answers for
    deferred_until: NotRequired[datetime]
    error: NotRequired[ErrorBody]
    result: NotRequired[ImportResult]
    points: NotRequired[int]
    ended_at: NotRequired[datetime]
    expires_at: NotRequired[datetime]  # of a sync's import, after its item was handed on anew
    relay_after: NotRequired[datetime]  # Kafka did not take it; the relay tries again then
    relay_tries: NotRequired[int]


INTERACTIVE, BULK, SYNC = 0, 1, 2  # priorities: a lower one goes first; no member waits for a sync's
# What a member's share of the pipeline is counted by: a filter.
IN_FLIGHT: Document = {"active": True, "released": True, "priority": {"$ne": SYNC}}
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
) -> ImportRecord:
    """Make the record of a new import; it is stored before anything is published."""
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


def requested(record: ImportRecord) -> ImportRequested:
    """Make the command that starts an import. Its id is derived, so that publishing it again repeats nothing."""
    task_id = record["_id"]
    return ImportRequested(
        id=uuid5(task_id, ImportRequested.__name__),
        import_id=task_id,
        user_id=record["user_id"],
        url=record["url"],
        options=Options.model_validate(record["options"]),
        requested_at=record["created_at"],
    )


def imports(db: Database) -> AsyncCollection[ImportRecord]:
    return collection(db, "imports", ImportRecord)


async def insert(db: Database, record: ImportRecord) -> bool:
    """Store a new import. False where another import of the same link is under way."""
    try:
        await imports(db).insert_one(record)
    except DuplicateKeyError:
        return False
    return True


async def find(db: Database, import_id: UUID, user_id: str | None = None) -> ImportRecord | None:
    """Find an import, of any member or of this one."""
    return await imports(db).find_one({"_id": import_id, **({"user_id": user_id} if user_id is not None else {})})


async def attempts(db: Database, ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the current attempt of each of these imports that exists."""
    found = imports(db).find({"_id": {"$in": [*ids]}}, {"attempt": 1})
    return {record["_id"]: record["attempt"] async for record in found}


async def count_failed(db: Database, *, most: int) -> int:
    """Count the failed imports, up to `most`."""
    return await imports(db).count_documents({"state": State.FAILED}, limit=most)


async def reopen(db: Database, import_id: UUID, user_id: str) -> bool:
    """Begin a new attempt of a failed import, for an operator's replay. It goes on from the stage that failed.

    False where the member has no such import, or it has not failed.
    """
    which = {"_id": import_id, "user_id": user_id, "state": State.FAILED}
    changes: dict[str, dict[str, Any]] = {
        "$set": {"state": State.PROCESSING, "message": "Trying again", "updated_at": datetime.now(UTC), "active": True},
        "$unset": {"error": "", "ended_at": ""},
        "$inc": {"version": 1, "attempt": 1},
    }
    try:
        result = await imports(db).update_one(which, changes)
    except DuplicateKeyError:  # the member has imported the link again, and that import holds its place
        del changes["$set"]["active"]
        result = await imports(db).update_one(which, changes)
    return result.matched_count == 1


INDEXES = [
    # One import of a link under way at a time: the second request finds the first one's task.
    IndexModel(
        [("user_id", ASCENDING), ("url", ASCENDING)],
        name="one_under_way",
        unique=True,
        partialFilterExpression={"active": True},
    ),
    # An Idempotency-Key names one request of a member, whichever record answers for it.
    IndexModel(
        [("user_id", ASCENDING), ("keys.key", ASCENDING)],
        name="keys",
        unique=True,
        partialFilterExpression={"keys.key": {"$exists": True}},
    ),
    # What the gateway counts at admission, and the relay releases in turn: only imports that are not finished.
    IndexModel(
        [(name, ASCENDING) for name in ("active", "released", "user_id", "priority", "created_at")],
        name="unfinished",
        partialFilterExpression={"active": True},
    ),
    # What was accepted and not seen on its topic, and when the relay looks at what is under way.
    IndexModel(
        [("created_at", ASCENDING)],
        name="unpublished",
        partialFilterExpression={"active": True, "released": True, "published": False},
    ),
    IndexModel([("watch_at", ASCENDING)], name="watched", partialFilterExpression={"active": True}),
    # The newest in some state, for operators.
    IndexModel([("state", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)], name="by_state"),
    # A member's, newest first: of one state, or of all, merged.
    IndexModel(
        [("user_id", ASCENDING), ("state", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)],
        name="newest",
    ),
    # What Kafka did not take when it was last tried.
    IndexModel([("relay_after", ASCENDING)], name="put_off", sparse=True),
    # Those of syncs, some time after their items have been handed on anew.
    IndexModel([("expires_at", ASCENDING)], name="expired", expireAfterSeconds=0, sparse=True),
    IndexModel([("ended_at", ASCENDING)], name="ended", expireAfterSeconds=0, sparse=True),
]
