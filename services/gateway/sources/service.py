"""Follow, change and remove sources."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from kit.clock import Clock, utc_now
from kit.mongo import Database, Document, to_millis
from records import batches
from records.sources import record, transitions, websub
from records.sources.record import Frequency, Identity, Reason, SourceState, new_source
from records.sources.transitions import due, next_after, rescheduled
from schemas.events import Options
from services.gateway.web.errors import ConflictError, NotFoundError
from services.gateway.web.provided import provided

TICK = timedelta(milliseconds=1)  # as MongoDB keeps time


@dataclass(frozen=True, slots=True)
class NewSource:
    """`url` is the canonical link, `identifier` the name in the API if that is another. If the link is being imported
    right now it is `seen`, and its first sync comes an interval later."""

    user_id: str
    platform: str
    url: str
    frequency: Frequency
    options: Options
    display_name: str | None = None
    seen: bool = False
    identifier: str | None = None


class Sources:
    """`now` is there for tests."""

    def __init__(self, db: Database, *, per_member: int, now: Clock = utc_now) -> None:
        self._db = db
        self._per_member = per_member
        self._now = now

    async def follow(self, new: NewSource) -> Document:
        """Store a new source. Raises `ConflictError` if the member follows it already, or has no room."""
        if existing := await record.find_followed(self._db, _identity(new)):
            raise followed(existing)
        await self.require_room(new.user_id, {new.url})
        source, created = await record.follow(self._db, self._record(new))
        if not created:
            raise followed(source)
        return source

    async def keep_in_sync(self, new: NewSource) -> Document:
        """Follow at this frequency: a new source, or the existing one. Idempotent."""
        source, created = await record.follow(self._db, self._record(new))
        if created:
            return source
        return await self.change(new.user_id, source["_id"], {"sync_frequency": new.frequency, "sync_enabled": True})

    async def require_room(self, user_id: str, urls: AbstractSet[str]) -> None:
        """Raise `ConflictError` unless all of these canonical links fit. Those followed already take no room."""
        if await record.count_others(self._db, user_id, urls, self._per_member) + len(urls) > self._per_member:
            raise ConflictError(
                f"You may follow {self._per_member} sources.",
                action="remove_source",
                suggestion="Remove one first.",
            )

    async def find(self, user_id: str, source_id: UUID) -> Document:
        """Raises `NotFoundError`."""
        source = await record.find(self._db, source_id, user_id)
        if source is None:
            raise _not_found()
        return source

    async def change(self, user_id: str, source_id: UUID, changes: Mapping[str, Any]) -> Document:
        """Set these fields; another frequency also moves the next sync. Raises `NotFoundError`."""
        while True:
            source = await self.find(user_id, source_id)
            wanted = {name: value for name, value in changes.items() if source[name] != value}
            if not wanted:
                return source
            now = max(to_millis(self._now()), source["updated_at"] + TICK)
            if "display_name" in wanted:
                wanted["named"] = True
            if wanted.keys() & {"sync_frequency", "sync_enabled"}:
                wanted |= rescheduled({**source, **wanted}, now)
            if changed := await record.change(self._db, source, {**wanted, "updated_at": now}):
                return changed  # else a sync has ended meanwhile

    async def request_sync(self, user_id: str, source_id: UUID) -> Document:
        """Raises `NotFoundError`."""
        await record.request_sync(self._db, {"_id": source_id, "user_id": user_id}, Reason.REQUESTED, self._now())
        return await self.find(user_id, source_id)

    async def retry_unreadable(self, user_id: str, platform: str) -> None:
        """Sync what could not be read without an account that the member has connected again."""
        waiting = {
            "user_id": user_id,
            "platform": platform,
            "sync_enabled": True,
            "state": {"$nin": [SourceState.OK, SourceState.FAILING]},  # to the public, private looks like gone
        }
        await record.request_sync(self._db, waiting, Reason.RETRY, self._now())

    async def remove(self, user_id: str, source_id: UUID) -> None:
        """Remove a source and its history; its projects stay. Raises `NotFoundError`."""
        source = await self.find(user_id, source_id)
        if source["task_id"] is not None:
            await batches.abandoned(self._db, source["task_id"], self._now())
        if not await record.remove(self._db, source):
            raise _not_found()
        if not await record.is_followed(self._db, source["platform"], source["url"]):
            await websub.let_go(self._db, source["source_identifier"], self._now())
        await transitions.drop_notice(self._db, source_id)

    def _record(self, new: NewSource) -> Document:
        now = self._now()
        source = new_source(
            _identity(new),
            display_name=new.display_name or new.url.partition("://")[2].partition("/")[2] or new.url,
            frequency=new.frequency,
            options=new.options,
            now=now,
            identifier=new.identifier,
        )
        if new.display_name:
            source["named"] = True
        if new.seen:
            source |= due(*next_after(source, SourceState.OK, 0, now))
        return source


def _identity(new: NewSource) -> Identity:
    return Identity(new.user_id, new.platform, new.url)


def followed(source: Document) -> ConflictError:
    return ConflictError(
        "You follow this already.",
        action="view_source",
        suggestion="Change your existing source.",
        source_id=str(source["_id"]),
    )


def _not_found() -> NotFoundError:
    return NotFoundError("There is no such source.")


SourcesDep = Annotated[Sources, provided(Sources)]
