"""Keeps the status of every import: each event advances its import or changes nothing.

Events may come late, twice, or before those that caused them; the rank in `progress` decides. Each event carries
all that its state needs, so nothing is missing when one is overtaken.
"""

from datetime import UTC, datetime
from typing import Any

from kit.kafka.events import attempt
from kit.microbatch import MicroBatcher
from kit.mongo import Database, to_millis
from records import import_status
from records.import_status import Advance
from records.imports import DONE, FAILS_BELOW, PROGRESS, State
from schemas.events import (
    ContentAnalyzed,
    ContentFetched,
    Event,
    ImportFailed,
    ImportRequested,
    PointsAwarded,
    ProjectDrafted,
    ProjectSaved,
)
from schemas.journey import EVENT_BY_TOPIC, stage_of
from services.writer import endings


class Fetched(Event):
    topic = ContentFetched.topic


class Analyzed(Event):
    topic = ContentAnalyzed.topic


class Drafted(Event):
    topic = ProjectDrafted.topic


# Of the events that carry a whole README, the projector reads only the common fields.
LEAN_EVENTS: dict[str, type[Event]] = EVENT_BY_TOPIC | {e.topic: e for e in (Fetched, Analyzed, Drafted)}


class Projector:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._batched_advance: MicroBatcher[Advance, None] = MicroBatcher(self._advance_many)

    async def __call__(self, event: Event) -> None:
        """Apply the event to its import; durable on return."""
        if (update := update_for(event, to_millis(datetime.now(UTC)), attempt())) is not None:
            await self._batched_advance(update)

    async def _advance_many(self, updates: list[Advance]) -> list[Exception | None]:
        results = await import_status.advance(self._db, updates)
        last = {update.event.import_id: update.at for update in updates if endings.ends(update.event)}
        endings.tell(await import_status.ended(self._db, last))
        return results


def update_for(event: Event, now: datetime, attempt: int = 1) -> Advance | None:
    """Make the update for an event; None for events that say nothing about an import's state."""
    if isinstance(event, ImportFailed):
        return failure(event, now, attempt)
    if event.topic not in PROGRESS:
        return None
    rank, _, message = PROGRESS[event.topic]
    changes: dict[str, Any] = {"stage": stage_of(event.topic), "message": message}  # the stage whose turn it is
    if isinstance(event, ProjectSaved):
        changes["result"] = {"project_id": event.project_id, "slug": event.slug, "created": event.created}
        if not event.created:  # refreshed: there is nothing to award
            rank, changes["points"], changes["message"] = DONE, 0, "Your project is up to date"
    if isinstance(event, PointsAwarded):
        changes["result"] = {"project_id": event.project_id, "slug": event.slug, "created": True}
        changes["points"] = event.points
    if isinstance(event, ImportRequested):
        changes["published"] = True
    done = rank == DONE
    changes |= {"progress": rank, "state": State.COMPLETED if done else State.PROCESSING}
    if done:
        changes |= {"active": False, "ended_at": now}
    return Advance(event, rank, changes, now, attempt)


def failure(event: ImportFailed, now: datetime, attempt: int = 1) -> Advance:
    error = event.model_dump(include={"error", "error_code", "action", "suggestion", "retry_at"}, exclude_none=True)
    rank = FAILS_BELOW.get(event.stage, DONE)
    changes: dict[str, Any] = {
        # As far as the stage's own input: an event from before the failure that is read after it changes nothing.
        "progress": rank - 1,
        "state": State.FAILED,
        "stage": event.stage,
        "message": event.error,
        "error": error,
        "active": False,
        "ended_at": now,
    }
    return Advance(event, rank, changes, now, attempt)
