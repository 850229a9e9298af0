"""One log line for each import's end, so that whoever has its id finds what became of it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import structlog

from kit.mongo import Collection
from records.imports import State
from schemas.events import Event, ImportFailed, PointsAwarded, ProjectSaved

log = structlog.get_logger()

TOLD = {"state": 1, "stage": 1, "integration": 1, "attempt": 1, "error": 1, "created_at": 1, "updated_at": 1}


def ends(event: Event) -> bool:
    """Whether the event is the last one of its import."""
    return isinstance(event, ImportFailed | PointsAwarded) or (isinstance(event, ProjectSaved) and not event.created)


async def tell(imports: Collection, ended: Mapping[UUID, datetime]) -> None:
    """Log the imports that ended with the write of the given time; an event that came again changed nothing, and is
    not told again. One query for all."""
    if not ended:
        return
    async for record in imports.find({"_id": {"$in": list(ended)}}, TOLD):
        if record["updated_at"] == ended[record["_id"]]:
            log.info("import ended", **line(record))


def line(record: Mapping[str, object]) -> dict[str, object]:
    """`seconds` is the time since the member asked, waits included."""
    created, updated, error = record["created_at"], record["updated_at"], record.get("error")
    assert isinstance(created, datetime) and isinstance(updated, datetime)  # noqa: S101 (as the projector wrote them)
    told: dict[str, object] = {
        "import_id": str(record["_id"]),
        "outcome": record["state"],
        "stage": record["stage"],
        "integration": record.get("integration") or None,
        "attempt": record.get("attempt"),
        "seconds": round((updated - created).total_seconds(), 3),
    }
    if record["state"] == State.FAILED and isinstance(error, Mapping):
        told["error_code"] = error.get("error_code")
    return {name: value for name, value in told.items() if value is not None}
