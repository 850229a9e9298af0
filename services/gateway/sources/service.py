"""What a member follows."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pymongo import ReturnDocument

from kit.clock import Clock, utc_now
from kit.mongo import Collection, Database, Document, to_millis
from records import batches
from records.sources import record, websub
from records.sources.record import Frequency, Identity, Reason, SourceState, new_source
from records.sources.transitions import due, next_after, notice_id, rescheduled
from schemas.events import Options
from services.gateway.web.errors import ConflictError, NotFoundError
from services.gateway.web.provided import provided

TICK = timedelta(milliseconds=1)  # as MongoDB keeps time


@dataclass(frozen=True, slots=True)
class NewSource:
    """`url` is the source's canonical link, `identifier` what the API calls it where that is another name. What is
    being imported right now is `seen`, and first synced later."""

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
        self._sources: Collection = db["sources"]
        self._per_member = per_member
        self._now = now

    async def follow(self, new: NewSource) -> Document:
        """Raises `ConflictError` where the member follows it already, or enough."""
        if existing := await self._existing(new):
            raise followed(existing)
        await self.require_room(new.user_id, {new.url})
        source, created = await record.follow(self._db, self._record(new))
        if not created:
            raise followed(source)
        return source

    async def keep_in_sync(self, new: NewSource) -> Document:
        """As often as this asks for, from now on: a new source, or the one that there is. Repeating it is harmless."""
        source, created = await record.follow(self._db, self._record(new))
        if created:
            return source
        return await self.change(new.user_id, source["_id"], {"sync_frequency": new.frequency, "sync_enabled": True})

    async def require_room(self, user_id: str, urls: AbstractSet[str]) -> None:
        """Raises `ConflictError` where there is none for all of these canonical links. What is followed already needs
        none."""
        others = {"user_id": user_id, "url": {"$nin": list(urls)}}
        if await self._sources.count_documents(others, limit=self._per_member) + len(urls) > self._per_member:
            raise ConflictError(
                f"You may follow {self._per_member} sources.",
                action="remove_source",
                suggestion="Remove one first.",
            )

    async def find(self, user_id: str, source_id: UUID) -> Document:
        """Raises `NotFoundError`."""
        source = await self._sources.find_one({"_id": source_id, "user_id": user_id})
        if source is None:
            raise _not_found()
        return source

    async def change(self, user_id: str, source_id: UUID, changes: Mapping[str, Any]) -> Document:
        """Sets these fields; another frequency also moves the next sync. Raises `NotFoundError`."""
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
            changed = await self._sources.find_one_and_update(
                {"_id": source_id, "user_id": user_id, "updated_at": source["updated_at"]},  # else the sync has ended
                {"$set": {**wanted, "updated_at": now}},
                return_document=ReturnDocument.AFTER,
            )
            if changed is not None:
                return changed

    async def request_sync(self, user_id: str, source_id: UUID) -> Document:
        """Raises `NotFoundError`."""
        await record.request_sync(self._db, {"_id": source_id, "user_id": user_id}, Reason.REQUESTED, self._now())
        return await self.find(user_id, source_id)

    async def retry_unreadable(self, user_id: str, platform: str) -> None:
        """The member has connected this account again: what could not be read without it is synced now."""
        waiting = {
            "user_id": user_id,
            "platform": platform,
            "sync_enabled": True,
            "state": {"$nin": [SourceState.OK, SourceState.FAILING]},  # to the public, private looks like gone
        }
        await record.request_sync(self._db, waiting, Reason.RETRY, self._now())

    async def remove(self, user_id: str, source_id: UUID) -> None:
        """With its history, and what it knew; its projects stay. Raises `NotFoundError`."""
        source = await self.find(user_id, source_id)
        if source["task_id"] is not None:
            await batches.abandoned(self._db, source["task_id"], self._now())
        if not (await self._sources.delete_one({"_id": source_id, "user_id": user_id})).deleted_count:
            raise _not_found()
        await self._let_go(source)
        for collection in ("runs", "source_items"):
            await self._db[collection].delete_many({"source_id": source_id})
        await self._db["notices"].delete_one({"_id": notice_id(source_id)})

    async def _let_go(self, source: Document) -> None:
        others = {"platform": source["platform"], "url": source["url"]}
        if not await self._sources.count_documents(others, limit=1):
            await websub.let_go(self._db, source["source_identifier"], self._now())

    async def _existing(self, new: NewSource) -> Document | None:
        return await self._sources.find_one({"user_id": new.user_id, "platform": new.platform, "url": new.url})

    def _record(self, new: NewSource) -> Document:
        now = self._now()
        record = new_source(
            Identity(new.user_id, new.platform, new.url),
            display_name=new.display_name or new.url.partition("://")[2].partition("/")[2] or new.url,
            frequency=new.frequency,
            options=new.options,
            now=now,
            identifier=new.identifier,
        )
        if new.display_name:
            record["named"] = True
        if new.seen:
            record |= due(*next_after(record, SourceState.OK, 0, now))
        return record


def followed(source: Document) -> ConflictError:
    return ConflictError(
        "You follow this already.",
        action="view_source",
        suggestion="Change the source that there is.",
        source_id=str(source["_id"]),
    )


def _not_found() -> NotFoundError:
    return NotFoundError("There is no such source.")


SourcesDep = Annotated[Sources, provided(Sources)]
