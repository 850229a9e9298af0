"""What has ended is not begun again, however often its events come.

An import ends once in each attempt, and only an operator's replay opens another one. The stages that cost or store
something ask here first: many at a time, with one query by the primary key.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from prometheus_client import Counter

from kit.kafka.events import attempt
from kit.microbatch import MicroBatcher
from kit.mongo import Collection, Database, Document
from records.imports import TERMINAL
from schemas.events import Event

SKIPPED = Counter("thrive_skipped", "Events of imports that had ended before, of which nothing was made.", ["topic"])
FIELDS = {"user_id": 1, "state": 1, "attempt": 1, "created_at": 1, "integration": 1}


@dataclass(frozen=True, slots=True)
class Import:
    """The import of an event as it stands. One that other systems began has no `asked_at` of which we could be sure;
    before its first event has been seen, it has no record at all, and is not `over`."""

    over: bool = False
    asked_at: datetime | None = None


class Imports(Protocol):
    async def of(self, event: Event, /) -> Import: ...


class Attempts:
    def __init__(self, db: Database) -> None:
        self._imports: Collection = db.imports
        self._find: MicroBatcher[UUID, Document | None] = MicroBatcher(self._find_many)

    async def of(self, event: Event) -> Import:
        """As it stands for the record that is being handled, which may belong to an attempt that is over."""
        record = await self._find(event.import_id)
        if record is None or record["user_id"] != event.user_id:  # whoever names another's import moves it in nothing
            return Import()
        over = record["state"] in TERMINAL or attempt() < record["attempt"]
        if over:
            SKIPPED.labels(event.topic).inc()
        return Import(over, record["created_at"] if record["integration"] else None)

    async def over(self, event: Event) -> bool:
        return (await self.of(event)).over

    async def _find_many(self, ids: list[UUID]) -> list[Document | Exception | None]:
        found = {one["_id"]: one async for one in self._imports.find({"_id": {"$in": list(set(ids))}}, FIELDS)}
        return [found.get(import_id) for import_id in ids]
