"""The relay: publishes the messages that wait in MongoDB, when their time has come.

Its duties share nothing but the producer: each has a loop of its own, and none waits for a message that Kafka does not
take. Any number of relays may run. Publishing twice is harmless, as every event's id is derived and every stage
idempotent; so nothing here is locked, and a relay that dies in the middle costs repetitions only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Generic

import structlog
from prometheus_client import Counter

from kit.mongo import Database
from records import deferred, import_queue
from records.deferred import DeferredRecord
from records.imports import ImportRecord, requested
from schemas.events import Event
from services.scheduler.finding import held, stalled
from services.scheduler.sending import GRACE, Message, Note, Publish, Sending
from services.scheduler.settings import SchedulerSettings

log = structlog.get_logger()

RELAYED = Counter("thrive_relayed", "Messages that the relay published, by why they waited", ["why"])
BATCH = 200

PublishEvent = Callable[[Event, int], Awaitable[None]]  # the event, and the attempt that it belongs to
Find = Callable[[datetime, int], Awaitable[list[Message]]]  # at most so many that are due at a time


class Duty(Generic[Message]):
    """Finds the messages that are due, and sends them."""

    def __init__(self, why: str, find: Find[Message], sending: Sending[Message]) -> None:
        self._why, self._find, self._sending = why, find, sending

    async def tick(self) -> bool:
        """Run one round; returns whether there is more to do at once. Raises PyMongoError: the next round tries
        again."""
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
        publish_raw: Publish[DeferredRecord],
        settings: SchedulerSettings,
        *,
        grace: float = GRACE,
    ) -> None:
        self._db = db
        self._settings = settings
        self._held_after = ""  # the member whose held imports were considered last

        async def start(record: ImportRecord) -> None:
            await publish(requested(record), record["attempt"])

        def of_deferred(why: str, *, again: bool) -> Duty[DeferredRecord]:
            async def find(now: datetime, room: int) -> list[DeferredRecord]:
                return await deferred.claim(db, now, limit=room, again=again)

            sent = _counted("deferred", partial(deferred.mark_sent, db))
            return Duty(why, find, Sending(publish_raw, sent, partial(deferred.put_off, db), most=BATCH, grace=grace))

        def of_imports(why: str, find: Find[ImportRecord], counted_as: str = "") -> Duty[ImportRecord]:
            sent = _counted(counted_as or why, partial(import_queue.mark_published, db))
            sending = Sending(start, sent, partial(import_queue.put_off, db), most=BATCH, grace=grace)
            return Duty(why, self._released(find), sending)

        self.duties: Mapping[str, Duty[DeferredRecord] | Duty[ImportRecord]] = {
            "deferred": of_deferred("deferred", again=False),
            "deferred-again": of_deferred("deferred again", again=True),
            "unpublished": of_imports("unpublished", self._unpublished),
            "unpublished-again": of_imports("unpublished again", partial(import_queue.to_retry, db), "unpublished"),
            "released": of_imports("released", self._held),
            "stalled": of_imports("stalled", self._stalled),
        }

    async def tick(self) -> None:
        """Run a round of each duty, for tests."""
        for duty in self.duties.values():
            await duty.tick()

    async def close(self) -> None:
        await asyncio.gather(*(duty.close() for duty in self.duties.values()))

    def _released(self, find: Find[ImportRecord]) -> Find[ImportRecord]:
        """Mark the found imports first, so that a slow broker is not asked again at the next tick; those that are not
        published come round again."""

        async def released(now: datetime, room: int) -> list[ImportRecord]:
            records = await find(now, room)
            await import_queue.mark_released(self._db, records, now)
            return records

        return released

    async def _unpublished(self, now: datetime, room: int) -> list[ImportRecord]:
        return await import_queue.unpublished(self._db, now, self._settings.unpublished_after, room)

    async def _held(self, now: datetime, room: int) -> list[ImportRecord]:
        records, self._held_after = await held(
            self._db, self._settings.imports_in_flight_per_user, room, self._held_after
        )
        return records

    async def _stalled(self, now: datetime, room: int) -> list[ImportRecord]:
        return await stalled(self._db, now, self._settings.stalled_after, room)


def _counted(why: str, sent: Note[Message]) -> Note[Message]:
    async def counted(messages: list[Message]) -> None:
        await sent(messages)
        RELAYED.labels(why).inc(len(messages))

    return counted
