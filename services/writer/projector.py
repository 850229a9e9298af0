"""The status of every import, from every event: each moves its import forward or changes nothing.

Events may come late, twice, or before those that caused them; the rank in `progress` decides. Each event carries
all that its state needs, so nothing is missing when one is overtaken.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from pymongo import UpdateOne

from kit.kafka.events import attempt
from kit.microbatch import MicroBatcher
from kit.mongo import Database, Document, each_written
from records.imports import DONE, FAILS_BELOW, PROGRESS, TERMINAL, State
from records.sources.record import to_millis
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


# Of the events that carry a whole README, the projector reads only whose they are.
LEAN_EVENTS: dict[str, type[Event]] = EVENT_BY_TOPIC | {e.topic: e for e in (Fetched, Analyzed, Drafted)}


class Move(NamedTuple):
    """An update of one import, at a time; `ends` tells whether it is the import's last."""

    update: UpdateOne
    import_id: UUID
    at: datetime
    ends: bool


class Projector:
    def __init__(self, db: Database) -> None:
        self._imports = db.imports
        self._apply: MicroBatcher[Move, None] = MicroBatcher(self._apply_many)

    async def __call__(self, event: Event) -> None:
        now = to_millis(datetime.now(UTC))  # as MongoDB gives it back
        if (update := update_for(event, now, attempt())) is not None:
            await self._apply(Move(update, event.import_id, now, endings.ends(event)))

    async def _apply_many(self, moves: list[Move]) -> list[Exception | None]:
        # Where the filter refused, the upsert meets the document itself: the import is further already.
        updates = [move.update for move in moves]
        results = await each_written(self._imports.bulk_write(updates, ordered=False), len(updates))
        await endings.tell(self._imports, {move.import_id: move.at for move in moves if move.ends})
        return results


def update_for(event: Event, now: datetime, attempt: int = 1) -> UpdateOne | None:
    """None for events that say nothing about an import's state. What belongs to an earlier attempt changes nothing."""
    if isinstance(event, ImportFailed):
        return failure(event, now, attempt)
    if event.topic not in PROGRESS:
        return None
    rank, _, message = PROGRESS[event.topic]
    changes: Document = {"stage": stage_of(event.topic), "message": message}  # the stage whose turn it is
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
    return moved(event, rank, changes, now, attempt)


def failure(event: ImportFailed, now: datetime, attempt: int = 1) -> UpdateOne:
    told = event.model_dump(include={"error", "error_code", "action", "suggestion", "retry_at"}, exclude_none=True)
    rank = FAILS_BELOW.get(event.stage, DONE)
    changes: Document = {
        # As far as the stage's own input: an event from before the failure that is read after it changes nothing.
        "progress": rank - 1,
        "state": State.FAILED,
        "stage": event.stage,
        "message": event.error,
        "error": told,
        "active": False,
        "ended_at": now,
    }
    return moved(event, rank, changes, now, attempt)


def moved(event: Event, rank: int, changes: Document, now: datetime, attempt: int) -> UpdateOne:
    """Applies to the member's own import, where that is below `rank` and has not ended; only an operator's replay
    opens an ended one again. An import that other systems published is made on first sight."""
    born: Document = {
        "url": event.url,
        "integration": "",
        "options": {},
        "attempt": 1,
        "released": True,
        "priority": 0,
        "created_at": now,
        # Only the gateway's imports hold the place of their link; the relay watches those.
        **({} if "active" in changes else {"active": False}),
        **({} if "published" in changes else {"published": True}),
        **({} if "progress" in changes else {"progress": 0}),
    }
    drop = {"deferred_until": ""} | ({} if "error" in changes else {"error": ""})
    return UpdateOne(
        {
            "_id": event.import_id,
            "user_id": event.user_id,
            "progress": {"$lt": rank},
            "state": {"$nin": TERMINAL},
            "attempt": {"$lte": attempt},
        },
        {
            "$set": {**changes, "updated_at": now},
            "$inc": {"version": 1},
            "$setOnInsert": born,
            "$unset": drop,
        },
        upsert=True,
    )
