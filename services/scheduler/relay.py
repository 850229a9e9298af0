"""The relay: what waits in MongoDB goes to Kafka when its time has come.

Its duties share nothing but the producer: each has a loop of its own, and none waits for a message that Kafka does not
take. Any number of relays may run. Publishing twice is harmless, as every event's id is derived and every stage
idempotent; so nothing here is locked, and a relay that dies in the middle costs repetitions only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import structlog
from prometheus_client import Counter
from pymongo import UpdateOne

from kit.mongo import Database, Document
from records import deferred
from records.imports import requested
from schemas.events import Event
from services.scheduler.due import put_off, unpublished
from services.scheduler.finding import held, stalled
from services.scheduler.sending import GRACE, Note, Publish, Sending
from services.scheduler.settings import SchedulerSettings

log = structlog.get_logger()

RELAYED = Counter("thrive_relayed", "Messages that the relay published, by why they waited", ["why"])
BATCH = 200

PublishEvent = Callable[[Event, int], Awaitable[None]]  # the event, and the attempt that it belongs to
# What is due at a time: so many at the most, and one at the least.
Find = Callable[[datetime, int], Awaitable[Sequence[Document]]]


class Duty:
    """Finds what is due, and sends it."""

    def __init__(self, why: str, find: Find, sending: Sending) -> None:
        self._why, self._find, self._sending = why, find, sending

    async def tick(self) -> bool:
        """One round; whether there is more to do at once. Raises what MongoDB raises: the next round tries again."""
        if (room := self._sending.room) <= 0:
            return False
        messages = await self._find(datetime.now(UTC), room)
        sent = await self._sending(messages)
        if sent:
            log.info("relay published messages", why=self._why, count=sent)
        return sent > 0 and len(messages) >= room

    async def close(self) -> None:
        await self._sending.close()


class Relay:
    """`duties` by their names."""

    def __init__(
        self,
        db: Database,
        publish: PublishEvent,
        publish_raw: Publish,
        settings: SchedulerSettings,
        *,
        grace: float = GRACE,
    ) -> None:
        self._db = db
        self._settings = settings

        async def start(record: Document) -> None:
            await publish(requested(record), record["attempt"])

        def of_deferred(why: str, *, again: bool) -> Duty:
            async def find(now: datetime, room: int) -> list[Document]:
                return await deferred.claim(db, now, limit=room, again=again)

            noted = _counted("deferred", partial(deferred.done, db))
            return Duty(why, find, Sending(publish_raw, noted, partial(deferred.put_off, db), most=BATCH, grace=grace))

        def of_imports(why: str, find: Find, counted_as: str = "") -> Duty:
            noted = _counted(counted_as or why, self._published)
            return Duty(why, find, Sending(start, noted, self._put_off, most=BATCH, grace=grace))

        self.duties: Mapping[str, Duty] = {
            "deferred": of_deferred("deferred", again=False),
            "deferred-again": of_deferred("deferred again", again=True),
            "unpublished": of_imports("unpublished", self._unpublished),
            "unpublished-again": of_imports("unpublished again", self._again, "unpublished"),
            "released": of_imports("released", self._release),
            "stalled": of_imports("stalled", self._stalled),
        }

    async def tick(self) -> None:
        """A round of each, for tests."""
        for duty in self.duties.values():
            await duty.tick()

    async def close(self) -> None:
        await asyncio.gather(*(duty.close() for duty in self.duties.values()))

    async def _unpublished(self, now: datetime, room: int) -> list[Document]:
        return await self._started(unpublished(now, self._settings.unpublished_after), "created_at", now, room)

    async def _again(self, now: datetime, room: int) -> list[Document]:
        return await self._started(put_off(now), "relay_after", now, room)

    async def _stalled(self, now: datetime, room: int) -> list[Document]:
        return await self._start(await stalled(self._db, now, self._settings.stalled_after, room), now)

    async def _started(self, which: Document, order: str, now: datetime, room: int) -> list[Document]:
        records = await self._db.imports.find(which).sort(order, 1).limit(room).to_list()
        return await self._start(records, now)

    async def _release(self, now: datetime, room: int) -> list[Document]:
        return await self._start(await held(self._db, self._settings.imports_in_flight_per_user, room), now)

    async def _start(self, records: list[Document], now: datetime) -> list[Document]:
        # Marked first, so that a slow broker is not asked again at the next tick; unpublished ones come round again.
        if records:
            await self._db.imports.update_many(
                {"_id": {"$in": [record["_id"] for record in records]}, "active": True},
                {"$set": {"released": True, "updated_at": now}},
            )
        return records

    async def _published(self, records: list[Document]) -> None:
        # The broker has them, so nobody need wait until the projector has seen them too.
        await self._db.imports.update_many(
            {"_id": {"$in": [record["_id"] for record in records]}},
            {"$set": {"published": True}, "$unset": {"relay_after": "", "relay_tries": ""}},
        )

    async def _put_off(self, records: list[tuple[Document, datetime]]) -> None:
        await self._db.imports.bulk_write(
            [
                UpdateOne(
                    {"_id": record["_id"], "active": True},
                    {"$set": {"relay_after": at, "published": False}, "$inc": {"relay_tries": 1}},
                )
                for record, at in records
            ],
            ordered=False,
        )


def _counted(why: str, note: Note) -> Note:
    async def counted(messages: list[Document]) -> None:
        await note(messages)
        RELAYED.labels(why).inc(len(messages))

    return counted
