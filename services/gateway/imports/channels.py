"""A whole channel is imported: it is followed from now on, and the sync that is due at once brings its latest videos.

One parent task sums them up. It is stored before the source that reports to it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Protocol
from uuid import uuid4

from pymongo.errors import DuplicateKeyError

from integrations.collection import FoundCollection
from integrations.credentials import Credentials
from kit.errors import ContentNotFoundError, ImportDuplicateError
from kit.mongo import Collection, Database, Document, to_millis
from records import batches
from records.imports import State
from records.sources.record import Frequency, Identity, Reason, follow, new_source, request_sync
from schemas.events import Options
from services.gateway.auth.caller import Caller
from services.gateway.imports.idempotency import attach_key, claim_key, find_previous, keys, releasing_key
from services.gateway.rate_limits.limits import CHANNELS, MemberLimits
from services.gateway.sources.responses import SourceResponse
from services.gateway.sources.service import Sources
from services.gateway.web.provided import provided

MOST_PROJECTS = 50  # of a channel that was imported before, as many as an import brings


@dataclass(frozen=True, slots=True)
class NewChannel:
    """`name` is a link, a handle or an id, as it was sent."""

    caller: Caller
    name: str
    platform: str  # the integration
    options: Options
    max_videos: int
    idempotency_key: str | None = None

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.name} {self.max_videos} {self.options.model_dump_json()}".encode()).hexdigest()


class Channels(Protocol):
    """What tells the channel that a member names (`integrations.collection`)."""

    async def named(self, platform: str, text: str, credentials: Credentials) -> FoundCollection: ...


class ChannelImports:
    def __init__(self, db: Database, limits: MemberLimits, sources: Sources, channels: Channels) -> None:
        self._db = db
        self._batches: Collection = db["batches"]
        self._limits = limits
        self._sources = sources
        self._channels = channels

    async def accept(self, new: NewChannel) -> Document:
        """The parent's record: a new one, the one under way, or, for a repeated Idempotency-Key, the one it made
        or joined.

        Raises `ImportDuplicateError` with the source and its projects where the member follows the channel already,
        `ConflictError` where they follow enough, `IdempotencyConflictError`, `MemberLimitError`, the errors of
        `integrations.collection.Collection.find`, and PyMongo's.
        """
        async with releasing_key(self._db, new):
            return await self._accept(new)

    async def _accept(self, new: NewChannel) -> Document:
        if earlier := await claim_key(self._db, new):
            return earlier
        async with self._limits.spending(new.caller.user_id, CHANNELS):
            found = await self._named(new)
        if isinstance(found, ContentNotFoundError):
            raise found
        return await self.follow(new, found)

    async def follow(self, new: NewChannel, channel: FoundCollection) -> Document:
        """As `accept`, of a channel that was found already, and whatever the limits are."""
        await self._sources.require_room(new.caller.user_id, {channel.url})
        # Before a parent is stored that `_again` takes back: the same request, at this moment, would be told of it.
        if under_way := await self._joined(new, channel):
            return under_way
        now = to_millis(datetime.now(UTC))
        parent: Document = keys(new) | dict(
            batches.listing(
                task_id=uuid4(), user_id=new.caller.user_id, integration=channel.platform, url=channel.url, now=now
            )
        )
        source = new_source(
            Identity(new.caller.user_id, channel.platform, channel.url),
            display_name=channel.title,
            frequency=Frequency.DAILY,
            options=new.options,
            now=now,
            task_id=parent["_id"],
            max_items=new.max_videos,
            metadata=dict(channel.metadata),
            identifier=channel.id,
        )
        try:
            await self._batches.insert_one(parent)
        except DuplicateKeyError:  # the same request, twice at this very moment
            return await find_previous(self._db, new) or parent
        stored, ours = await follow(self._db, source)
        return parent if ours else await self._again(new, stored, parent, now)

    async def _named(self, new: NewChannel) -> FoundCollection | ContentNotFoundError:
        """To have asked for it costs the same whatever comes of it, and counts."""
        try:
            return await self._channels.named(new.platform, new.name, Credentials(user_id=new.caller.user_id))
        except ContentNotFoundError as error:
            return error

    async def _joined(self, new: NewChannel, channel: FoundCollection) -> Document | None:
        mine = {"user_id": new.caller.user_id, "platform": channel.platform, "url": channel.url}
        source = await self._db["sources"].find_one(mine)
        if source is None:
            return None
        return await attach_key(self._db, "batches", {"_id": source["task_id"], "state": State.PROCESSING}, new)

    async def _again(self, new: NewChannel, source: Document, parent: Document, now: datetime) -> Document:
        """Of a channel that is followed already, only a first sync that came to nothing is asked for again."""
        under_way = await self._batches.find_one({"_id": source["task_id"], "state": State.PROCESSING})
        if under_way is None and source["last_synced_at"] is None:
            again = {"_id": source["_id"], "last_synced_at": None}
            await request_sync(self._db, again, Reason.REQUESTED, now, task_id=parent["_id"], max_items=new.max_videos)
            return parent
        await self._batches.delete_one({"_id": parent["_id"]})
        # Only now is its key free to be the other's as well.
        if under_way and (record := await attach_key(self._db, "batches", {"_id": under_way["_id"]}, new)):
            return record
        raise await self._imported(new, source)

    async def _imported(self, new: NewChannel, source: Document) -> ImportDuplicateError:
        """With the source, and the latest projects that it brought and that are still there."""
        brought = self._db["source_items"].find({"source_id": source["_id"]}, {"url": 1}).sort("at", -1)
        links = [item["url"] for item in await brought.limit(MOST_PROJECTS).to_list()]
        hers = {"user_id": new.caller.user_id, "url": {"$in": links}}
        projects = self._db["projects"].find(hers, {"slug": 1, "title": 1}).sort("created_at", -1)
        return ImportDuplicateError(
            "You have imported this channel already, and follow it.",
            action="view_source",
            suggestion="New videos are imported automatically. Open the source, or request a sync now.",
            source_id=str(source["_id"]),
            source=SourceResponse.of(source).model_dump(mode="json"),
            projects=[
                {
                    "project_id": str(project["_id"]),
                    "project_url": f"/{new.caller.username}/{project['slug']}",
                    "title": project["title"],
                }
                async for project in projects
            ],
        )


ChannelImportsDep = Annotated[ChannelImports, provided(ChannelImports)]
