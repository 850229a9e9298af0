"""The record of a followed source (`sources`): the gateway writes it, the scheduler finds it, the fetcher updates it.

A source is due at `next_sync_at`; nothing else starts a sync. Members and pushes call `request_sync`, which makes it
due now, so two requests at the same moment are one sync. The scheduler emits what is due at `emit_at`. That is the same
time until the sync is emitted; then it is the time when the sync counts as lost and is emitted again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from kit.mongo import Database, Document, to_millis
from schemas.events import Options, SyncRequested


class Frequency(StrEnum):
    MANUAL = "manual"
    DAILY = "daily"
    WEEKLY = "weekly"


INTERVAL = {Frequency.DAILY: timedelta(days=1), Frequency.WEEKLY: timedelta(days=7)}


class Reason(StrEnum):
    """Why a source is synced."""

    NEW = "new"
    INTERVAL = "interval"
    RETRY = "retry"  # it failed, or is not there at present
    LIMIT = "limit"  # the upstream's limit resets
    REQUESTED = "requested"
    PUSH = "push"


class SourceState(StrEnum):
    """A `FAILING` source is synced again after longer and longer pauses. The states below it have a named cause: the
    owner gets one notice, and the source is synced once a day until the cause is gone. A `PRIVATE` source became
    private, can still be read with its owner's account, and is synced as before."""

    OK = "ok"
    FAILING = "failing"
    GONE = "gone"
    PRIVATE = "private"
    REVOKED = "revoked"
    NEEDS_REAUTH = "needs_reauth"


SEEN = (SourceState.OK, SourceState.PRIVATE)


@dataclass(frozen=True, slots=True)
class Identity:
    """`url` is the canonical link at the platform: of a repository, or of a channel by its id."""

    user_id: str
    platform: str
    url: str

    @property
    def source_id(self) -> UUID:
        return uuid5(NAMESPACE_URL, f"{self.user_id} source {self.platform} {self.url}")


def new_source(
    who: Identity,
    *,
    display_name: str,
    frequency: Frequency,
    options: Options,
    now: datetime,
    task_id: UUID | None = None,
    max_items: int = 50,
    metadata: dict[str, Any] | None = None,
    identifier: str | None = None,
) -> Document:
    """Return a source that is due at once. `task_id` is the parent task that the first sync reports to. `identifier` is
    its name in the API if that is not its link: a channel's id. Store it with `follow`."""
    now = to_millis(now)
    return {
        "_id": who.source_id,
        "user_id": who.user_id,
        "platform": who.platform,
        "url": who.url,
        "source_identifier": identifier or who.url,
        "display_name": display_name,
        "named": False,  # by its owner: then it keeps that name
        "sync_enabled": True,
        "sync_frequency": frequency,
        "options": options.model_dump(),
        "connection": None,  # the provider whose account is needed to read it
        "metadata": metadata or {},  # of the API
        "cursor": {},  # from one sync to the next
        "state": SourceState.OK,
        "state_reason": None,  # words for the member
        "failures": 0,  # in a row
        "last_synced_at": None,  # with success
        "last_checked_at": None,
        "next_sync_at": now,  # None: only on request
        "next_reason": Reason.NEW,
        "emit_at": now,
        "task_id": task_id,
        "max_items": max_items,
        "created_at": now,
        "updated_at": now,
    }


async def follow(db: Database, source: Document) -> tuple[Document, bool]:
    """Store a new source. Returns the stored record, and whether it is this one: its owner may follow it already."""
    same = {name: source[name] for name in ("user_id", "platform", "url")}
    while True:
        try:
            result = await db.sources.update_one(same, {"$setOnInsert": source}, upsert=True)
        except DuplicateKeyError:
            # Somebody stored it at this very moment; or one that was renamed since has the id of its old name.
            if await db.sources.find_one({**same, "_id": source["_id"]}) is None:
                source = {**source, "_id": uuid4()}
            continue
        if stored := await db.sources.find_one(same):
            return stored, result.upserted_id is not None


async def find(db: Database, source_id: UUID, user_id: str) -> Document | None:
    return await db.sources.find_one({"_id": source_id, "user_id": user_id})


async def find_followed(db: Database, who: Identity) -> Document | None:
    return await db.sources.find_one({"user_id": who.user_id, "platform": who.platform, "url": who.url})


async def count_others(db: Database, user_id: str, urls: Collection[str], most: int) -> int:
    """Count a member's sources at other links than these, up to `most`."""
    return await db.sources.count_documents({"user_id": user_id, "url": {"$nin": list(urls)}}, limit=most)


async def change(db: Database, source: Document, changes: Document) -> Document | None:
    """Set these fields. Returns the new record, or None if it changed since `source` was read."""
    return await db.sources.find_one_and_update(
        {"_id": source["_id"], "user_id": source["user_id"], "updated_at": source["updated_at"]},
        {"$set": changes},
        return_document=ReturnDocument.AFTER,
    )


async def remove(db: Database, source: Document) -> bool:
    """Delete a source, its history and its items; returns whether it was there. Its projects stay."""
    if not (await db.sources.delete_one({"_id": source["_id"], "user_id": source["user_id"]})).deleted_count:
        return False
    for collection in (db.runs, db.source_items):
        await collection.delete_many({"source_id": source["_id"]})
    return True


async def is_followed(db: Database, platform: str, url: str) -> bool:
    """Whether any member follows this link, on a schedule or not."""
    return bool(await db.sources.count_documents({"platform": platform, "url": url}, limit=1))


async def request_sync(db: Database, which: Document, reason: Reason, now: datetime, **changes: Any) -> int:
    """Make the matching sources due now; returns the count. A sync under way may have missed what is new, so one that
    has begun is followed by another. `changes` are set too, such as a `task_id`."""
    now = to_millis(now)
    due = {"next_sync_at": now, "emit_at": now, "next_reason": reason, "updated_at": now, **changes}
    result = await db.sources.update_many(which, {"$set": due, "$unset": {"claim": ""}})
    return result.matched_count


def followed(platform: str, links: Sequence[str] | None = None) -> Document:
    """Return a filter for sources that are synced on a schedule: all of a platform, or those of these links."""
    which: Document = {"platform": platform, "sync_enabled": True, "sync_frequency": {"$ne": Frequency.MANUAL}}
    return which if links is None else {**which, "url": {"$in": list(links)}}


def sync_requested(source: Document) -> SyncRequested:
    """Return the command for the sync that is due. Its id is derived from the due time, so all schedulers
    emit one event for it. The run has the same id."""
    run_id = uuid5(source["_id"], source["next_sync_at"].isoformat())
    return SyncRequested(
        id=run_id,
        import_id=run_id,
        user_id=source["user_id"],
        url=source["url"],
        source_id=source["_id"],
        options=Options.model_validate(source["options"]),
        due_at=source["next_sync_at"],
        task_id=source["task_id"],
        max_items=source["max_items"],
    )
