"""Feed agents: members that are no people. Each curates one channel, which it follows like any other member would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

from integrations.collection import FoundCollection
from integrations.credentials import Credentials
from kit.errors import ImportDuplicateError
from kit.mongo import Database, Document
from records import deletions
from records.batches import BatchRecord
from records.imports import TERMINAL
from records.sources.record import Reason
from records.sources.transitions import due
from records.users import UserRecord
from schemas.events import Options
from services.gateway.auth.caller import Caller
from services.gateway.imports.batches import Batches
from services.gateway.imports.channels import ChannelImports, NewChannel
from services.gateway.members.service import Kind, Users
from services.gateway.sources.service import Sources
from services.gateway.web.errors import ConflictError, NotFoundError
from services.gateway.web.provided import provided

FIRST_VIDEOS = 50
GATHERED = ("imports", "batches", "projects", "points")


@dataclass(frozen=True, slots=True)
class NewAgent:
    """`profile` has what of `users` records an operator chooses."""

    channel: str  # as it was sent
    name: str
    profile: Mapping[str, Any]


class Channels(Protocol):
    """Tells whether there is such a channel (`integrations.collection`): an agent is public at once."""

    async def found(self, text: str, credentials: Credentials) -> FoundCollection: ...


class Agents:
    def __init__(
        self,
        db: Database,
        users: Users,
        sources: Sources,
        batches: Batches,
        following: ChannelImports,
        channels: Channels,
    ) -> None:
        self._db = db
        self._users = users
        self._sources = sources
        self._batches = batches
        self._following = following
        self._channels = channels

    async def create(self, new: NewAgent) -> tuple[UserRecord, bool]:
        """The record of the channel's agent, and whether it was made now. The channel's latest videos are imported,
        and it is followed from now on. Repeating it changes nothing; it completes what was cut off, and asks again for
        a first import that came to nothing.

        Raises the errors of `integrations.collection.Collection.find` and InvalidURLError.
        """
        channel = await self._channels.found(new.channel, Credentials())
        agent, made = await self._users.create_agent(channel.url, new.name, **new.profile)
        caller = Caller(agent["_id"], agent["username"])
        try:
            parent = await self._following.follow(
                NewChannel(caller, new.channel, channel.platform, Options(), FIRST_VIDEOS), channel
            )
        except (ImportDuplicateError, ConflictError):
            if await self.source(agent) is None:
                raise
            return agent, False  # it follows its channel, and has synced it
        return await self._users.change(agent["_id"], {"task_id": parent["_id"]}), made

    async def find(self, username: str) -> UserRecord:
        """Raises NotFoundError, also for people."""
        user = await self._users.find(username)
        if user is None or user.get("kind") != Kind.AGENT:
            raise NotFoundError("There is no such agent.")
        return user

    async def source(self, agent: UserRecord) -> Document | None:
        return await self._db["sources"].find_one(_followed_by(agent))

    async def sources(self, agents: Sequence[UserRecord]) -> dict[str, Document]:
        """By their agents' ids."""
        theirs = {"user_id": {"$in": [agent["_id"] for agent in agents]}}
        return {source["user_id"]: source async for source in self._db["sources"].find(theirs)}

    async def first_import(self, agent: UserRecord) -> tuple[BatchRecord, list[Document]] | None:
        """The parent task of its first videos, and its children."""
        parent = await self._batches.find(agent["_id"], agent["task_id"]) if "task_id" in agent else None
        return (parent, await self._batches.children(parent)) if parent else None

    async def change(self, username: str, profile: Document, *, paused: bool | None) -> UserRecord:
        """An agent that is paused keeps its projects, and looks for no new ones."""
        agent = await self.find(username)
        if paused is not None and (source := await self.source(agent)):
            await self._sources.change(agent["_id"], source["_id"], {"sync_enabled": not paused})
        return await self._users.change(agent["_id"], profile) if profile else agent

    async def remove(self, username: str) -> None:
        """With all that it gathered. Itself last, so that what is cut off can be repeated.

        Raises ConflictError while something may still come of its channel: it would be nobody's, and in public.
        """
        agent = await self.find(username)
        source = await self.source(agent)
        if await self._is_busy(agent, source):
            raise ConflictError(
                "The agent's channel is being synced, or its videos are being imported.",
                action="wait",
                suggestion="Pause the agent, wait until the sync and the imports have ended, then remove it.",
            )
        if source is not None:
            await self._sources.remove(agent["_id"], source["_id"])
        await deletions.remember(self._db, {"user_id": agent["_id"]}, datetime.now(UTC))
        for name in GATHERED:
            await self._db[name].delete_many({"user_id": agent["_id"]})
        await self._users.remove(agent["_id"])

    async def _is_busy(self, agent: UserRecord, source: Document | None) -> bool:
        """If not, it is paused. A sync is due until it has ended, and what it hands on is stored before that."""
        if source is not None and source["next_sync_at"] is not None and source["next_sync_at"] <= datetime.now(UTC):
            return True
        under_way = {"user_id": agent["_id"], "state": {"$nin": TERMINAL}}
        if await self._db["imports"].find_one(under_way, {"_id": 1}):
            return True
        if source is None:
            return False
        unclaimed = {"_id": source["_id"], "emit_at": source["emit_at"]}  # else a sync has begun meanwhile
        paused = {"sync_enabled": False, **due(None, Reason.REQUESTED)}
        return not (await self._db["sources"].update_one(unclaimed, {"$set": paused})).matched_count


def _followed_by(agent: UserRecord) -> Document:
    return {"user_id": agent["_id"], "url": agent["curates"]}


AgentsDep = Annotated[Agents, provided(Agents)]
