"""Accepting an import: stored first, with one write, and only then published.

A 202 promises that the import ends in a project or in a failure that its owner can read. What keeps the promise is
the stored record: when the broker is away or slow, the scheduler's relay publishes what nobody saw on the topic.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, cast
from uuid import uuid4

import structlog
from pymongo.errors import DuplicateKeyError

from kit.errors import ImportDuplicateError
from kit.microbatch import MicroBatcher
from kit.mongo import DUPLICATE_KEY, Collection, Database, Document, WriteRefusedError, refused, to_millis
from records.imports import INTERACTIVE, ImportRecord, pending, requested
from records.sources.record import Frequency
from schemas.events import ImportRequested, Options
from services.gateway.auth.caller import Caller
from services.gateway.imports.idempotency import attach_key, claim_key, keys, releasing_key
from services.gateway.imports.lookups import Lookups
from services.gateway.rate_limits.limits import MemberLimits
from services.gateway.web.errors import MemberLimitError
from services.gateway.web.metrics import ACCEPTS, PUBLISH_FAILURES
from services.gateway.web.provided import provided

log = structlog.get_logger(__name__)

Publish = Callable[[ImportRequested], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class NewImport:
    """A valid request: `url` is canonical. With `auto_sync` it is followed as well, which is the route's to do."""

    caller: Caller
    integration: str
    url: str
    options: Options
    counted_as: str  # by the member's hourly limits
    idempotency_key: str | None = None
    priority: int = INTERACTIVE
    auto_sync: Frequency | None = None

    @property
    def fingerprint(self) -> str:
        asked = f"{self.url} {self.options.model_dump_json()} {self.auto_sync or ''}".rstrip()
        return hashlib.sha256(asked.encode()).hexdigest()


class Imports:
    def __init__(
        self, db: Database, publish: Publish, limits: MemberLimits, *, per_user: int, publish_timeout: float
    ) -> None:
        self._db = db
        self._imports: Collection = db["imports"]
        self._lookup = Lookups(db)
        self._publish, self._publish_timeout = publish, publish_timeout
        self._limits = limits
        self._per_user = per_user
        self._arriving: Counter[str] = Counter()
        self._insert: MicroBatcher[Document, None] = MicroBatcher(self._insert_many)
        self.broker_away = False  # as the last publication found it

    async def accept(self, new: NewImport) -> Document:
        """The record of the task that answers for this request: a new one, the one under way, or, for a repeated
        Idempotency-Key, the one it made or joined.

        Raises `ImportDuplicateError` with the project's address, `IdempotencyConflictError`, `MemberLimitError`, and
        PyMongo's errors, after which nothing was accepted. Only a new task counts against the member's limit.
        """
        async with releasing_key(self._db, new):
            return await self._accept(new)

    async def _accept(self, new: NewImport) -> Document:
        while True:  # again only if the import that stood in the way ended at this very moment
            if earlier := await self._repeated(new):
                return earlier
            with self._arrival(new.caller.user_id) as ahead:
                known = await self._lookup(new.caller.user_id, new.url)
                if known.project:
                    return await self._running(new) or self._refuse(new, known.project)
                record = self._record(new, released=known.in_flight + ahead < self._per_user)
                try:
                    async with self._limits.spending(new.caller.user_id, new.counted_as):
                        await self._insert(record)
                except (DuplicateKeyError, MemberLimitError) as error:
                    if running := await self._running(new):
                        return running
                    if isinstance(error, MemberLimitError):
                        ACCEPTS.labels("limited").inc()
                        raise
                    continue
            ACCEPTS.labels("released" if record["released"] else "held").inc()
            if record["released"]:
                await self._announce(record)
            return record

    async def _repeated(self, new: NewImport) -> Document | None:
        record = await claim_key(self._db, new)
        if record:
            ACCEPTS.labels("repeated").inc()
        return record

    async def _running(self, new: NewImport) -> Document | None:
        under_way = {"user_id": new.caller.user_id, "url": new.url, "active": True}
        record = await attach_key(self._db, "imports", under_way, new)
        if record:
            ACCEPTS.labels("running").inc()
        return record

    def _refuse(self, new: NewImport, project: Document) -> Document:
        ACCEPTS.labels("duplicate").inc()
        raise ImportDuplicateError(
            "You have imported this link already.",
            project_id=str(project["_id"]),
            project_url=f"/{new.caller.username}/{project['slug']}",
        )

    @contextmanager
    def _arrival(self, user_id: str) -> Iterator[int]:
        """How many of the member's requests are between their count and their write: a burst is not let through
        whole only because all of it was counted before any of it was stored. Per process; the cap is a fair share,
        not a quota."""
        ahead = self._arriving[user_id]
        self._arriving[user_id] += 1
        try:
            yield ahead
        finally:
            self._arriving[user_id] -= 1
            if not self._arriving[user_id]:
                del self._arriving[user_id]

    def _record(self, new: NewImport, *, released: bool) -> Document:
        record = pending(
            task_id=uuid4(),
            user_id=new.caller.user_id,
            url=new.url,
            integration=new.integration,
            options=new.options,
            released=released,
            priority=new.priority,
            now=to_millis(datetime.now(UTC)),
        )
        return record | keys(new)

    async def _insert_many(self, records: list[Document]) -> list[Exception | None]:
        """One journaled round trip for all that arrived meanwhile; each request gets its own result."""
        failures = await refused(self._imports.insert_many(records, ordered=False))
        return [_not_written(failures[i]) if i in failures else None for i in range(len(records))]

    async def _announce(self, record: Document) -> None:
        try:
            await asyncio.wait_for(self._publish(requested(cast("ImportRecord", record))), self._publish_timeout)
            self.broker_away = False
        except Exception as error:
            # Not an error for the caller: the record is stored, and the relay publishes it.
            self.broker_away = True
            PUBLISH_FAILURES.inc()
            log.warning(
                "import not published; the relay will publish it",
                import_id=str(record["_id"]),
                error=type(error).__name__,
            )


def _not_written(failure: Document) -> Exception:
    kind = DuplicateKeyError if failure["code"] == DUPLICATE_KEY else WriteRefusedError
    return kind(str(failure.get("errmsg", "not written"))[:200])


ImportsDep = Annotated[Imports, provided(Imports)]
