"""The status of imports (`imports`): updates that advance an import or change nothing, and the ends of imports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pymongo import UpdateOne

from kit.mongo import Database, each_written
from records.imports import DONE, FAILS_BELOW, ImportRecord, imports
from records.states import TERMINAL, State
from schemas.events import Event

END_FIELDS = {"state": 1, "stage": 1, "integration": 1, "attempt": 1, "error": 1, "created_at": 1, "updated_at": 1}


@dataclass(frozen=True, slots=True)
class Advance:
    """An update of an import to `rank`, at a time; it belongs to an attempt."""

    event: Event
    rank: int
    changes: Mapping[str, Any]
    at: datetime
    attempt: int = 1

    def write(self) -> UpdateOne:
        """Apply to the member's own import, where that is below `rank`, has not ended and has no later attempt. An
        import that another system published is made on the first event."""
        event, changes = self.event, self.changes
        new: dict[str, Any] = {
            "url": event.url,
            "integration": "",
            "options": {},
            "attempt": 1,
            "released": True,
            "priority": 0,
            "created_at": self.at,
            # Only the gateway's imports hold the place of their link; the relay watches those.
            **({} if "active" in changes else {"active": False}),
            **({} if "published" in changes else {"published": True}),
        }
        drop = {"deferred_until": ""} | ({} if "error" in changes else {"error": ""})
        return UpdateOne(
            {
                "_id": event.import_id,
                "user_id": event.user_id,
                "progress": {"$lt": self.rank},
                "state": {"$nin": TERMINAL},
                "attempt": {"$lte": self.attempt},
            },
            {
                "$set": {**changes, "updated_at": self.at},
                "$inc": {"version": 1},
                "$setOnInsert": new,
                "$unset": drop,
            },
            upsert=True,
        )


async def advance(db: Database, updates: Sequence[Advance]) -> list[Exception | None]:
    """Apply the updates, in no order; the result of each. Where the filter refused, the upsert meets the import itself,
    which is further already: that counts as written."""
    writes = [update.write() for update in updates]
    return await each_written(imports(db).bulk_write(writes, ordered=False), len(writes))


async def ended(db: Database, ended_at: Mapping[UUID, datetime]) -> list[ImportRecord]:
    """Return those of these imports whose last update is the one of the given time: a repeated event changed
    nothing."""
    if not ended_at:
        return []
    found = await imports(db).find({"_id": {"$in": list(ended_at)}}, END_FIELDS).to_list()
    return [record for record in found if record["updated_at"] == ended_at[record["_id"]]]


async def wait(db: Database, import_id: UUID, user_id: str, *, stage: str, message: str, until: datetime) -> None:
    """Say in the member's own import that it waits at this stage, unless it is further already.

    The projector may read the deferred event itself later than we write; as its rank is taken here already, it does
    not overwrite the message.
    """
    rank = FAILS_BELOW.get(stage, DONE)
    changes = {"message": message, "deferred_until": until, "state": State.PROCESSING, "published": True}
    await imports(db).update_one(
        {"_id": import_id, "user_id": user_id, "active": True, "progress": {"$lt": rank}},
        {
            "$set": changes | {"stage": stage, "updated_at": datetime.now(UTC)},
            "$max": {"progress": rank - 1},
            "$inc": {"version": 1},
        },
    )
