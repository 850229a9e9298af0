"""Pushes the state of imports, and of listings, to whoever follows them, from one MongoDB change stream per process.

The stream is open only while somebody follows something. PyMongo resumes it by its token after a lost connection or
an election; whenever it has to be opened anew, the followed records are read again in one query, so that nothing
said meanwhile is missed. A follower sees states, not every step: a slow one skips to the newest.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Annotated
from uuid import UUID

import structlog
from pymongo.errors import PyMongoError

from kit.mongo import Collection, Database, Document
from records.imports import TERMINAL
from services.gateway.web.metrics import FOLLOWERS
from services.gateway.web.provided import provided

log = structlog.get_logger(__name__)

PIPELINE = [
    {
        "$match": {
            "ns.coll": {"$in": ["imports", "batches"]},
            "operationType": {"$in": ["insert", "update", "replace"]},
        }
    }
]
IDLE_MS = 1_000  # how long one request to the stream waits for news
REOPEN_SECONDS = 1.0


class Follower:
    """The newest states of what it follows."""

    def __init__(self) -> None:
        self.records: dict[UUID, Document] = {}
        self.changed = asyncio.Event()

    def offer(self, record: Document) -> None:
        known = self.records.get(record["_id"])
        if known is None or record["version"] > known["version"]:
            self.records[record["_id"]] = record
            self.changed.set()


class StatusStream:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._collections: tuple[Collection, ...] = (db["imports"], db["batches"])
        self._followers: defaultdict[UUID, set[Follower]] = defaultdict(set)
        self._wanted = asyncio.Event()
        self._closing = False

    async def follow(self, task_id: UUID) -> AsyncGenerator[Document]:
        """The task's record now and after each change, versions ascending, until it is terminal or the hub closes.
        Nothing of one that is gone."""
        async with aclosing(self.follow_all([task_id])) as states:
            async for records in states:
                for record in records:
                    yield record

    async def follow_all(self, task_ids: Sequence[UUID]) -> AsyncGenerator[list[Document]]:
        """The records of all these tasks now and after each change, until all are terminal or the hub closes. Those
        that are gone are left out, and nobody waits for them: the first state comes at once, and may be empty."""
        follower = Follower()
        for task_id in task_ids:
            self._followers[task_id].add(follower)
        self._wanted.set()
        FOLLOWERS.inc()
        try:
            # Registered before they are read: a change in between is offered twice rather than missed.
            async for record in self._read(task_ids):
                follower.offer(record)
            follower.changed.set()
            while not self._closing:
                await follower.changed.wait()
                follower.changed.clear()
                records = list(follower.records.values())
                if not self._closing:
                    yield records
                if all(record["state"] in TERMINAL for record in records):
                    return
        finally:
            FOLLOWERS.dec()
            self._forget(follower, task_ids)

    async def outcome(self, task_id: UUID, seconds: float) -> Document | None:
        """The terminal record, or None if there is none within `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), aclosing(self.follow(task_id)) as states:
                async for record in states:
                    if record["state"] in TERMINAL:
                        return record
        return None

    async def run(self) -> None:
        """Feeds the followers until the hub is closed.

        To cancel it is not enough: a change stream that fails while it is being closed puts its own error in the place
        of the cancellation.
        """
        while True:
            await self._wanted.wait()
            if self._closing:
                return
            try:
                await self._stream()
            except Exception as error:  # followers wait for this task, so nothing may end it
                bug = not isinstance(error, PyMongoError)
                log.warning("change stream ended; reopening it", error=type(error).__name__, exc_info=bug)
                await asyncio.sleep(REOPEN_SECONDS)

    def close(self) -> None:
        """Ends every stream and wait, so that a stopping server has nothing left to serve."""
        self._closing = True
        self._wanted.set()
        for followers in self._followers.values():
            for follower in followers:
                follower.changed.set()

    async def _stream(self) -> None:
        async with await self._db.watch(PIPELINE, full_document="updateLookup", max_await_time_ms=IDLE_MS) as stream:
            async for record in self._read(list(self._followers)):
                self._offer(record)
            while self._followers and not self._closing:
                change = await stream.try_next()
                if change and change.get("fullDocument"):
                    self._offer(change["fullDocument"])

    async def _read(self, task_ids: Sequence[UUID]) -> AsyncGenerator[Document]:
        for collection in self._collections:
            async for record in collection.find({"_id": {"$in": task_ids}}):
                yield record

    def _offer(self, record: Document) -> None:
        for follower in self._followers.get(record["_id"], ()):
            follower.offer(record)

    def _forget(self, follower: Follower, task_ids: Sequence[UUID]) -> None:
        for task_id in task_ids:
            self._followers[task_id].discard(follower)
            if not self._followers[task_id]:
                del self._followers[task_id]
        if not self._followers and not self._closing:
            self._wanted.clear()


StatusStreamDep = Annotated[StatusStream, provided(StatusStream)]
