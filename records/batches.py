"""The record of a parent task in MongoDB (`batches`): what the gateway writes, and the fetcher completes where the
children are only known once a channel has been listed.

Its `state` is that of the listing: while it is under way there are no children yet, and it ends once, with them or with
an error. A parent of links that a member named was never listed and has none.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.errors import ContentNotFoundError
from kit.mongo import Database, Document
from records.imports import State


def listing(*, task_id: UUID, user_id: str, integration: str, url: str, now: datetime) -> Document:
    """A parent whose children a sync at `url` will name."""
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
    db: Database, task_id: UUID, children: Sequence[tuple[str, UUID]], refused: Sequence[Document], now: datetime
) -> None:
    """`children` are links and their tasks, whose records are stored already; `refused` are error bodies with their
    `url`. Changes nothing that has ended."""
    named = [{"url": url, "task_id": child} for url, child in children]
    await _move(db, task_id, {"state": State.COMPLETED, "children": named, "refused": list(refused)}, now)


async def waiting(db: Database, task_id: UUID, why: str, retry_at: datetime, now: datetime) -> None:
    """The listing goes on at that time, by itself. Changes nothing that has ended."""
    await _move(db, task_id, {"message": why, "retry_at": retry_at}, now)


async def failed(db: Database, task_id: UUID, body: Document, now: datetime) -> None:
    """The listing came to nothing, for the problem of this error body. Changes nothing that has ended."""
    error = {name: value for name, value in body.items() if name != "success"}
    await _move(db, task_id, {"state": State.FAILED, "error": error}, now)


async def abandoned(db: Database, task_id: UUID, now: datetime) -> None:
    """Nothing will be listed any more: the source was removed. Changes nothing that has ended."""
    problem = ContentNotFoundError(
        "The channel was unfollowed before it could be read.", action="retry", suggestion="Import the channel again."
    )
    await failed(db, task_id, problem.body(), now)


def skipped(url: str, reason: str, suggestion: str) -> Document:
    """An entry of `refused` for what the upstream lists and does not show."""
    return {
        "url": url,
        "success": False,
        "error": reason,
        "error_code": "SKIPPED",
        "action": "none",
        "suggestion": suggestion,
    }


async def _move(db: Database, task_id: UUID, changes: Document, now: datetime) -> None:
    drop = {} if "retry_at" in changes else {"$unset": {"retry_at": ""}}
    await db.batches.update_one(
        {"_id": task_id, "state": State.PROCESSING},
        {"$set": {**changes, "updated_at": now}, "$inc": {"version": 1}, **drop},
    )
