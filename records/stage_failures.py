"""What a stage does with an event that it could not handle: defer it, or publish the failure."""

import json
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from aiokafka import ConsumerRecord
from pydantic_core import from_json

from kit.clock import Clock, utc_now
from kit.errors import BudgetSpentError, ImportProblem, InternalError, Outcome, RateLimitError, outcome_of
from kit.mongo import Database, is_outage, is_unstorable
from records import deferred, import_status
from records.sources.outcome import RunOutcome
from records.waits import OUTAGE_WAITS, Waited, due_at, given_up, is_down
from schemas.events import MAX_EVENT_BYTES, Event, ImportFailed, SourceSynced, SyncRequested

log = structlog.get_logger()

OF_SOURCES = (SyncRequested.topic, SourceSynced.topic)  # no import fails with these


class StageFailures:
    """The stage's side of the keyed subscriber (`kit.kafka.processing.Failures`).

    `chance` (in [0, 1)) and `now` are replaced in tests.
    """

    def __init__(
        self,
        stage: str,
        db: Database,
        publish: Callable[[Event], Awaitable[None]],
        *,
        outage_waits: tuple[timedelta, ...] = OUTAGE_WAITS,
        chance: Callable[[], float] = random.random,
        now: Clock = utc_now,
    ) -> None:
        self._stage = stage
        self._db = db
        self._publish = publish
        self._outage_waits = outage_waits
        self._chance = chance
        self._now = now

    def outcome(self, error: BaseException) -> Outcome:
        return Outcome.HOLD if is_outage(error) else outcome_of(error)

    def blames_record(self, error: BaseException) -> bool:
        return is_unstorable(error)

    async def defer(self, record: "ConsumerRecord[Any, Any]", error: BaseException) -> None:
        """Store the record until its time, and say so in the import's status; fail it after its last wait."""
        problem = error if isinstance(error, ImportProblem) else InternalError("The import could not continue.")
        waited = Waited(deferred.waits(record.headers), deferred.outages(record.headers))
        due = due_at(problem, waited, self._now(), self._chance(), outage_waits=self._outage_waits)
        if due is None:
            await self.fail(record, given_up(problem))
            return
        await deferred.defer(
            self._db,
            record,
            due_at=due,
            reason=problem.error_code,
            waits_for=problem.waits_for,
            counted=not isinstance(problem, BudgetSpentError),
            outage=is_down(problem),
        )
        log.info("record deferred", topic=record.topic, error_code=problem.error_code, due_at=due.isoformat())
        if (origin := Origin.of(record)) is not None:
            await import_status.wait(
                self._db, origin.import_id, origin.user_id, stage=self._stage, message=_message(problem, due), until=due
            )

    async def fail(self, record: "ConsumerRecord[Any, Any]", error: BaseException) -> None:
        """Publish `ImportFailed`, if the record names its import; the dead letter has the rest."""
        origin = Origin.of(record) if record.topic not in OF_SOURCES else None
        if origin is None:
            log.warning("dead letter has no import to mark as failed", topic=record.topic, offset=record.offset)
            return
        problem = error if isinstance(error, ImportProblem) else InternalError("Something went wrong on our side.")
        await self._publish(
            ImportFailed(
                **origin.lineage(ImportFailed, f"{self._stage}/{deferred.waits(record.headers)}"),
                stage=self._stage,
                error=problem.error[:500],
                error_code=problem.error_code,
                action=problem.action,
                suggestion=problem.suggestion[:500],
                retry_at=problem.retry_at,
            )
        )


async def forget_failed_syncs(db: Database, origins: Iterable["Origin"]) -> None:
    """A sync that failed of a bug is had anew when its event is replayed: it leaves no record that would say how it
    ended. Without this an event that comes twice repeats its end."""
    for origin in origins:
        of_a_bug = {"outcome": RunOutcome.FAILED, "error.error_code": InternalError.error_code}
        await db.runs.delete_one({"_id": origin.id, "user_id": origin.user_id, **of_a_bug})


def _message(problem: ImportProblem, due: datetime) -> str:
    """Return the message of a waiting import. A rate limit's own message says when it ends, if we try again then."""
    if problem.waits_for is not None:
        return f"{problem.error} {problem.suggestion}"
    if isinstance(problem, RateLimitError) and due == problem.retry_at:
        return problem.error
    shown = due + timedelta(seconds=59)
    return f"{problem.error} Next try at {shown:%H:%M} UTC."


class Record(Protocol):
    """A consumed record, or a dead letter."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Origin(Event):
    """The import that a record belongs to, read as leniently as possible: from its body, else from headers and key."""

    @classmethod
    def of(cls, record: Record) -> "Origin | None":
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        body = _body(record.value or b"null")
        facts = body if isinstance(body, dict) else {}
        user_id, _, url = (record.key or b"").decode(errors="replace").rpartition(" ")
        try:
            return cls(
                id=UUID(str(facts.get("id") or headers["ce_id"])),
                import_id=UUID(str(facts.get("import_id") or headers["ce_subject"])),
                user_id=str(facts.get("user_id") or user_id),
                url=str(facts.get("url") or url),
            )
        except (KeyError, ValueError):
            return None


def _body(value: bytes) -> Any:
    """Parse the body; of one that was cut off, as far as it goes."""
    try:
        return json.loads(value) if len(value) <= MAX_EVENT_BYTES else None
    except (ValueError, RecursionError):
        with suppress(ValueError):
            return from_json(value, allow_partial=True)
        return None
