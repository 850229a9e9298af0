"""One log line for the end of each import, so that its id leads to what became of it."""

from collections.abc import Iterable

import structlog

from records.imports import ImportRecord, State
from schemas.events import Event, ImportFailed, PointsAwarded, ProjectSaved

log = structlog.get_logger()


def ends(event: Event) -> bool:
    """Whether the event is the last one of its import."""
    return isinstance(event, ImportFailed | PointsAwarded) or (isinstance(event, ProjectSaved) and not event.created)


def tell(ended: Iterable[ImportRecord]) -> None:
    for record in ended:
        log.info("import ended", **line(record))


def line(record: ImportRecord) -> dict[str, object]:
    """Return the fields of the log line. `seconds` is the time since the member asked, waits included."""
    fields: dict[str, object] = {
        "import_id": str(record["_id"]),
        "outcome": record["state"],
        "stage": record["stage"],
        "integration": record["integration"] or None,
        "attempt": record["attempt"],
        "seconds": round((record["updated_at"] - record["created_at"]).total_seconds(), 3),
    }
    if record["state"] == State.FAILED and "error" in record:
        fields["error_code"] = record["error"]["error_code"]
    return {name: value for name, value in fields.items() if value is not None}
