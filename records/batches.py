"""The parent tasks of several imports (`batches`), in two shapes.

A `LinksBatch` names the imports of the links in one request, and never changes. A `ListingBatch` is the parent of a
channel's videos: it has no children until the fetcher has listed the channel, and its `state` is that of the listing,
which ends once, with children or with an error. `is_listing` tells them apart.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict, TypeGuard
from uuid import UUID

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from kit.errors import ContentNotFoundError
from kit.mongo import Database, Document, collection
from records.states import ErrorBody, IdempotencyKey, State


class Child(TypedDict):
    url: str
    task_id: UUID


class RefusedEntry(TypedDict):
    """A link that became no import: an error body and its `url`. Some errors have more fields."""

    url: str
    success: Literal[False]
    error: str
    error_code: str
    action: str
    suggestion: str


class LinksBatch(TypedDict):
    _id: UUID  # the task id
    user_id: str
    integration: str
    children: list[Child]
    refused: list[RefusedEntry]
    created_at: datetime
    keys: NotRequired[list[IdempotencyKey]]


class ListingBatch(LinksBatch):
    url: str  # of the channel
    state: State
    message: str
    version: int
    updated_at: datetime
    retry_at: NotRequired[datetime]  # the listing goes on at that time
    error: NotRequired[ErrorBody]


BatchRecord = LinksBatch | ListingBatch


def is_listing(batch: BatchRecord) -> TypeGuard[ListingBatch]:
    return "state" in batch


def batches(db: Database) -> AsyncCollection[BatchRecord]:
    return collection(db, "batches", ListingBatch)


async def find(db: Database, batch_id: UUID, user_id: str) -> BatchRecord | None:
    return await batches(db).find_one({"_id": batch_id, "user_id": user_id})


def listing(*, task_id: UUID, user_id: str, integration: str, url: str, now: datetime) -> ListingBatch:
    """Make the parent of a channel's videos, before a sync of `url` lists them."""
    return {
        "_id": task_id,
        "user_id": user_id,
        "integration": integration,
        "url": url,
        "state": State.PROCESSING,
        "message": "Reading the channel",
        "version": 1,
        "children": [],
        "refused": [],
        "created_at": now,
        "updated_at": now,
    }


async def listed(
    db: Database, task_id: UUID, children: Iterable[tuple[str, UUID]], refused: Sequence[RefusedEntry], now: datetime
) -> None:
    """Complete the listing. `children` are links and their tasks, whose records are stored already. Changes nothing
    that has ended."""
    named = [{"url": url, "task_id": child} for url, child in children]
    await _move(db, task_id, {"state": State.COMPLETED, "children": named, "refused": list(refused)}, now)


async def waiting(db: Database, task_id: UUID, why: str, retry_at: datetime, now: datetime) -> None:
    """Say why the listing waits, and until when. Changes nothing that has ended."""
    await _move(db, task_id, {"message": why, "retry_at": retry_at}, now)


async def failed(db: Database, task_id: UUID, body: Document, now: datetime) -> None:
    """End the listing with this error body. Changes nothing that has ended."""
    error = {name: value for name, value in body.items() if name != "success"}
    await _move(db, task_id, {"state": State.FAILED, "error": error}, now)


async def abandoned(db: Database, task_id: UUID, now: datetime) -> None:
    """End the listing of a source that was removed. Changes nothing that has ended."""
    problem = ContentNotFoundError(
        "The channel was unfollowed before it could be read.", action="retry", suggestion="Import the channel again."
    )
    await failed(db, task_id, problem.body(), now)


def skipped(url: str, reason: str, suggestion: str) -> RefusedEntry:
    """Make the entry of `refused` for an item that the upstream lists and does not show."""
    return {
        "url": url,
        "success": False,
        "error": reason,
        "error_code": "SKIPPED",
        "action": "none",
        "suggestion": suggestion,
    }


async def _move(db: Database, task_id: UUID, changes: dict[str, Any], now: datetime) -> None:
    drop = {} if "retry_at" in changes else {"$unset": {"retry_at": ""}}
    await batches(db).update_one(
        {"_id": task_id, "state": State.PROCESSING},
        {"$set": {**changes, "updated_at": now}, "$inc": {"version": 1}, **drop},
    )


INDEXES = [
    IndexModel([("user_id", ASCENDING)], name="by_user"),
    IndexModel([("created_at", ASCENDING)], name="old", expireAfterSeconds=0),
    IndexModel(
        [("user_id", ASCENDING), ("state", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)],
        name="newest",
        partialFilterExpression={"state": {"$exists": True}},
    ),
    IndexModel(
        [("user_id", ASCENDING), ("keys.key", ASCENDING)],
        name="keys",
        unique=True,
        partialFilterExpression={"keys.key": {"$exists": True}},
    ),
]
