"""Whether an import has ended, so that a repeated event does not begin it again.

An import ends once in each attempt, and only an operator's replay begins another one. The stages that cost or store
something ask here first: many at a time, with one query by the primary key.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from prometheus_client import Counter

from kit.kafka.events import attempt
from kit.microbatch import MicroBatcher
from kit.mongo import Database
from records.imports import TERMINAL, ImportRecord, imports
from schemas.events import Event

SKIPPED = Counter("thrive_skipped", "Events of imports that had ended before, of which nothing was made.", ["topic"])
FIELDS = {"user_id": 1, "state": 1, "attempt": 1, "created_at": 1, "integration": 1}


@dataclass(frozen=True, slots=True)
class Import:
    """What the stages have to know of an import. `asked_at` is when the member requested it; None where another system
    published it. An import whose first event has not been seen yet has no record, and is not `over`."""

    over: bool = False
    asked_at: datetime | None = None


class Imports(Protocol):
    async def of(self, event: Event, /) -> Import: ...


class Attempts:
    def __init__(self, db: Database) -> None:
        self._imports = imports(db)
        self._find: MicroBatcher[UUID, ImportRecord | None] = MicroBatcher(self._find_many)

    async def of(self, event: Event) -> Import:
        """Return the event's import, as seen by the attempt that the handled record belongs to."""
        record = await self._find(event.import_id)
        if record is None or record["user_id"] != event.user_id:  # another member's import
            return Import()
        over = record["state"] in TERMINAL or attempt() < record["attempt"]
        if over:
            SKIPPED.labels(event.topic).inc()
        return Import(over, record["created_at"] if record["integration"] else None)

    async def over(self, event: Event) -> bool:
        return (await self.of(event)).over

    async def _find_many(self, ids: list[UUID]) -> list[ImportRecord | Exception | None]:
        found = {one["_id"]: one async for one in self._imports.find({"_id": {"$in": list(set(ids))}}, FIELDS)}
        return [found.get(import_id) for import_id in ids]
