"""Apply the outcome of a sync to its source, and decide when it is synced next."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from kit.mongo import Database, Document, to_millis
from records import notices
from records.sources.outcome import SyncOutcome
from records.sources.record import INTERVAL, SEEN, Reason, SourceState
from records.sources.schedule import DAY, after_limit, next_slot, pause_after, slot_after

# States that only a change elsewhere can cure: the owner gets one notice. A connection that needs consent has a notice
# of its own for all of its sources.
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

_OF_THE_SYNC = ("next_sync_at", "emit_at", "next_reason", "task_id")


def source_after_sync(source: Document, outcome: SyncOutcome, now: datetime) -> Document:
    """Return the fields of the source that the outcome of a sync changes."""
    now = to_millis(now)
    state = outcome.state or SourceState(source["state"])
    worked = outcome.state is SourceState.OK
    failures = 0 if worked else source["failures"] + (outcome.state is not None)
    limits = source.get("limits", 0) + outcome.counted if outcome.state is None else 0  # in a row
    changes: Document = {
        "limits": limits,
        "state": state,
        "state_reason": None if worked else outcome.reason,
        "failures": failures,
        "metadata": {**source["metadata"], **outcome.metadata},
        "last_checked_at": now,
        "updated_at": now,
    }
    if worked or outcome.state is SourceState.GONE:
        changes |= {"gone_since": None if worked else source.get("gone_since") or now, "hidden": outcome.hidden}
    if worked:
        changes |= {"last_synced_at": now, "connection": outcome.connection, **_privacy(source, outcome)}
    if outcome.cursor is not None:
        changes["cursor"] = dict(outcome.cursor)
    if outcome.url:
        changes["url"] = outcome.url
        if source["source_identifier"] == source["url"]:
            changes["source_identifier"] = outcome.url
    if outcome.display_name and not source["named"]:
        changes["display_name"] = outcome.display_name
    task_id = source["task_id"] if _comes_again(outcome.state, failures, limits) else None
    if task_id is None:
        changes["task_id"] = None  # its first sync is over
    later = {**source, "task_id": task_id, "limits": limits}
    return changes | due(*next_after(later, outcome.state, failures, now, outcome.retry_at))


def _privacy(source: Document, outcome: SyncOutcome) -> Document:
    """Return the state of a private source. One that was private from the start is as its owner knows it; one that
    became private says so until it is public again."""
    if not outcome.private:
        return {"was_public": True}
    if not source.get("was_public"):
        return {}
    return {"state": SourceState.PRIVATE, "state_reason": "The source has become private."}


def next_after(
    source: Document, state: SourceState | None, failures: int, now: datetime, retry_at: datetime | None = None
) -> tuple[datetime | None, Reason]:
    """Return when the source is synced next unless a member asks earlier, and why. A manual or disabled source: never,
    unless a parent task still waits for it."""
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
    """Return the fields that change with the frequency, or with enabling. A sync that is due or has begun stays, and so
    does one that a parent task waits for."""
    interval, at = _interval(source), source["next_sync_at"]
    if at is not None and (source["task_id"] is not None or source["emit_at"] != at):
        return {}
    if interval is None:
        return due(None, Reason.REQUESTED)
    if at is not None and (at <= now or source["state"] not in SEEN):
        return {}
    return due(slot_after(source["_id"], interval, now), Reason.INTERVAL)


async def apply_outcome(
    db: Database, source_id: UUID, due_at: datetime, outcome: SyncOutcome, at: datetime
) -> Document | None:
    """Record the outcome of the sync scheduled for `due_at`. Returns the updated source, or None if it was removed.
    Idempotent. A sync that was requested meanwhile stays due."""
    while True:
        source = await db.sources.find_one({"_id": source_id})
        if source is None:
            return None
        changes = source_after_sync(source, outcome, at)
        if source["next_sync_at"] != due_at:  # another sync has been asked for, or has been had
            if source["last_checked_at"] is not None and source["last_checked_at"] >= to_millis(at):
                break
            changes = {name: value for name, value in changes.items() if name not in _OF_THE_SYNC}
        try:
            settled = await db.sources.find_one_and_update(
                {"_id": source_id, "updated_at": source["updated_at"]},  # else its owner has changed it meanwhile
                {"$set": changes, "$unset": {"claim": ""}},
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:  # its owner follows it under its new name too
            return await apply_outcome(db, source_id, due_at, replace(outcome, url=None), at)
        if settled is not None:
            source = settled
            break
    await _tell(db, source)
    return source


def notice_id(source_id: UUID) -> str:
    return f"source:{source_id}"


async def drop_notice(db: Database, source_id: UUID) -> None:
    await notices.withdraw(db, notice_id(source_id))


async def _tell(db: Database, source: Document) -> None:
    """Store the notice for the source's state and delete any other."""
    notice = _NOTICES.get(source["state"])
    if notice is None:
        await drop_notice(db, source["_id"])
        return
    hidden = source["state"] == SourceState.GONE and source.get("hidden")
    text, action = _HIDDEN if hidden else notice
    await notices.tell(
        db,
        notice_id(source["_id"]),
        user_id=source["user_id"],
        kind="source_hidden" if hidden else f"source_{source['state']}",
        provider=source["platform"],
        text=text.format(name=source["display_name"], reason=source["state_reason"]),
        action=action.format(platform=source["platform"]),
        now=source["updated_at"],
    )


def _comes_again(state: SourceState | None, failures: int, limits: int) -> bool:
    """Whether a first sync is repeated for the parent task that waits for it."""
    if state is None:
        return limits < FIRST_LIMITS
    return state is SourceState.FAILING and failures < FIRST_TRIES


def _interval(source: Document) -> timedelta | None:
    return INTERVAL.get(source["sync_frequency"]) if source["sync_enabled"] else None


def due(at: datetime | None, reason: Reason) -> Document:
    """Return the fields that say when the next sync is, and why."""
    at = at and to_millis(at)
    return {"next_sync_at": at, "emit_at": at, "next_reason": reason}
