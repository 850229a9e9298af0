"""How a sync of a source ends, and what of it stays in the source."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from kit.errors import (
    BudgetSpentError,
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    ReauthRequiredError,
)
from kit.mongo import Database, Document
from records.sources.record import INTERVAL, SEEN, Reason, SourceState, to_millis
from records.sources.schedule import DAY, after_limit, next_slot, pause_after, slot_after

# What only a change elsewhere can cure is told once. A connection that needs consent tells so itself, for all of its
# sources.
_NOTICES = {
    SourceState.GONE: ("“{name}” is no longer there. Your projects stay, and we check for it every day.", "check_url"),
    SourceState.PRIVATE: (
        "“{name}” has become private. What you imported of it is hidden from others until it is public again.",
        "check_url",
    ),
    SourceState.REVOKED: ("We may no longer read “{name}”. {reason} Connect the account again.", "connect_{platform}"),
}

_HIDDEN = (
    "“{name}” has not been found for days, and may have become private. What you imported of it is hidden from others "
    "until it is found again.",
    "check_url",
)
FIRST_TRIES = 3  # of a first sync that a parent task waits for, where the upstream fails
FIRST_LIMITS = 10  # in a row, that such a sync waits for: hours, however short they say they are

_OF_THE_LOOK = ("next_sync_at", "emit_at", "next_reason", "task_id")


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """`state` is None where nothing could be seen of the source until `retry_at`: it stays what it was; `counted` where
    it was the upstream that limited us, and not our own ledger.

    `metadata` is added to the source's; `url` is its new canonical link where it has moved. `cursor` is what
    the next sync is to know, in place of what this one knew. `private` where it was seen, and others do not see it.
    `hidden` where nobody has found it for so long that it may have become private, and what was made of it is hidden.
    """

    state: SourceState | None
    reason: str | None = None  # words for the member
    retry_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    cursor: Mapping[str, Any] | None = None
    url: str | None = None
    display_name: str | None = None
    connection: str | None = None  # the provider whose account it was read with
    private: bool = False
    counted: bool = False
    hidden: bool = False

    @classmethod
    def by(cls, problem: ImportProblem) -> "SyncOutcome":
        """What an error of a sync says about the source."""
        match problem:
            case RateLimitError():
                return cls(None, problem.error, problem.retry_at, counted=not isinstance(problem, BudgetSpentError))
            case ReauthRequiredError():
                state = SourceState.NEEDS_REAUTH
            case IntegrationAuthError():
                state = SourceState.REVOKED
            case ContentNotFoundError():
                state = SourceState.GONE
            case _:
                state = SourceState.FAILING
        return cls(state, problem.error)


def finished(source: Document, ended: SyncOutcome, now: datetime) -> Document:
    """The fields of the source that change with the end of the sync that was due."""
    now = to_millis(now)
    state = ended.state or SourceState(source["state"])
    worked = ended.state is SourceState.OK
    failures = 0 if worked else source["failures"] + (ended.state is not None)
    limits = source.get("limits", 0) + ended.counted if ended.state is None else 0  # in a row
    changes: Document = {
        "limits": limits,
        "state": state,
        "state_reason": None if worked else ended.reason,
        "failures": failures,
        "metadata": {**source["metadata"], **ended.metadata},
        "last_checked_at": now,
        "updated_at": now,
    }
    if worked or ended.state is SourceState.GONE:
        changes |= {"gone_since": None if worked else source.get("gone_since") or now, "hidden": ended.hidden}
    if worked:
        changes |= {"last_synced_at": now, "connection": ended.connection, **_privacy(source, ended)}
    if ended.cursor is not None:
        changes["cursor"] = dict(ended.cursor)
    if ended.url:
        changes["url"] = ended.url
        if source["source_identifier"] == source["url"]:
            changes["source_identifier"] = ended.url
    if ended.display_name and not source["named"]:
        changes["display_name"] = ended.display_name
    task_id = source["task_id"] if _comes_again(ended.state, failures, limits) else None
    if task_id is None:
        changes["task_id"] = None  # its first sync is over
    later = {**source, "task_id": task_id, "limits": limits}
    return changes | due(*next_after(later, ended.state, failures, now, ended.retry_at))


def _privacy(source: Document, ended: SyncOutcome) -> Document:
    """A source that was private from the first is as its owner knows it; one that became so is named, until it is
    public again."""
    if not ended.private:
        return {"was_public": True}
    if not source.get("was_public"):
        return {}
    return {"state": SourceState.PRIVATE, "state_reason": "The source has become private."}


def next_after(
    source: Document, state: SourceState | None, failures: int, now: datetime, retry_at: datetime | None = None
) -> tuple[datetime | None, Reason]:
    """When the source is synced next without being asked, and why. A manual or disabled one: never, unless a parent
    task still waits for it."""
    source_id, interval = source["_id"], _interval(source)
    if interval is None and source["task_id"] is None:
        return None, Reason.REQUESTED
    if state is SourceState.OK and interval is not None:
        return next_slot(source_id, interval, now), Reason.INTERVAL
    if retry_at is not None:
        limits, waited_for = source.get("limits", 0), source["task_id"] is not None
        return after_limit(source_id, retry_at, now, limits=limits, waited_for=waited_for), Reason.LIMIT
    if state is None or state is SourceState.FAILING:
        return now + pause_after(source_id, failures), Reason.RETRY
    return slot_after(source_id, DAY, now), Reason.RETRY


def rescheduled(source: Document, now: datetime) -> Document:
    """The fields that change with the source's frequency, or with its being enabled. A sync that is due stays so,
    and so does one that has begun, or that a parent task waits for."""
    interval, at = _interval(source), source["next_sync_at"]
    if at is not None and (source["task_id"] is not None or source["emit_at"] != at):
        return {}
    if interval is None:
        return due(None, Reason.REQUESTED)
    if at is not None and (at <= now or source["state"] not in SEEN):
        return {}
    return due(slot_after(source["_id"], interval, now), Reason.INTERVAL)


async def settle(db: Database, source_id: UUID, due_at: datetime, ended: SyncOutcome, at: datetime) -> Document | None:
    """Write into the source how the sync that was due at `due_at` ended at this time; the source as it is then, None
    where it has been removed. Repeating it changes nothing. Where another sync has been asked for meanwhile, that one
    stays due."""
    while True:
        source = await db.sources.find_one({"_id": source_id})
        if source is None:
            return None
        changes = finished(source, ended, at)
        if source["next_sync_at"] != due_at:  # another sync has been asked for, or has been had
            if source["last_checked_at"] is not None and source["last_checked_at"] >= to_millis(at):
                break
            changes = {name: value for name, value in changes.items() if name not in _OF_THE_LOOK}
        try:
            settled = await db.sources.find_one_and_update(
                {"_id": source_id, "updated_at": source["updated_at"]},  # else its owner has changed it meanwhile
                {"$set": changes, "$unset": {"claim": ""}},
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:  # its owner follows it under its new name too
            return await settle(db, source_id, due_at, replace(ended, url=None), at)
        if settled is not None:
            source = settled
            break
    await _tell(db, source)
    return source


def notice_id(source_id: UUID) -> str:
    return f"source:{source_id}"


async def _tell(db: Database, source: Document) -> None:
    """The notice that the source's state calls for, and no other."""
    which = {"_id": notice_id(source["_id"])}
    notice = _NOTICES.get(source["state"])
    if notice is None:
        await db.notices.delete_one(which)
        return
    hidden = source["state"] == SourceState.GONE and source.get("hidden")
    text, action = _HIDDEN if hidden else notice
    told = {
        "user_id": source["user_id"],
        "kind": "source_hidden" if hidden else f"source_{source['state']}",
        "provider": source["platform"],
        "text": text.format(name=source["display_name"], reason=source["state_reason"]),
        "action": action.format(platform=source["platform"]),
    }
    await db.notices.delete_one({**which, "kind": {"$ne": told["kind"]}})  # what is new is told anew
    await db.notices.update_one(
        which, {"$set": told, "$setOnInsert": {"created_at": source["updated_at"]}}, upsert=True
    )


def _comes_again(state: SourceState | None, failures: int, limits: int) -> bool:
    """Whether a first sync that ended so is had again for the parent task that waits for it."""
    if state is None:
        return limits < FIRST_LIMITS
    return state is SourceState.FAILING and failures < FIRST_TRIES


def _interval(source: Document) -> timedelta | None:
    return INTERVAL.get(source["sync_frequency"]) if source["sync_enabled"] else None


def due(at: datetime | None, reason: Reason) -> Document:
    """The fields that say when the next sync is, and why."""
    at = at and to_millis(at)
    return {"next_sync_at": at, "emit_at": at, "next_reason": reason}
