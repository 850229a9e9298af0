"""The relay: what waits in MongoDB goes to Kafka when its time has come.

Any number of relays may run. Publishing twice is harmless, as every event's id is derived and every stage idempotent;
so nothing here is locked, and a relay that dies in the middle costs repetitions only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import structlog
from prometheus_client import Counter

from kit import deferred
from kit.imports import IN_FLIGHT, requested
from kit.mongo import Database, Document
from schemas.events import Event
from services.scheduler.due import stalled, to_release, unpublished
from services.scheduler.settings import SchedulerSettings

log = structlog.get_logger()

RELAYED = Counter("thrive_relayed", "Messages that the relay published, by why they had waited", ["why"])
BATCH = 200

Publish = Callable[[Event], Awaitable[None]]
PublishRaw = Callable[[Document], Awaitable[None]]


class Relay:
    def __init__(self, db: Database, publish: Publish, publish_raw: PublishRaw, settings: SchedulerSettings) -> None:
        self._db = db
        self._publish = publish
        self._publish_raw = publish_raw
        self._settings = settings

    async def tick(self) -> int:
        """One round; returns how many messages it published. Raises what the engines raise: the next round retries."""
        now = datetime.now(UTC)
        return sum(
            [
                await self._deferred(now),
                await self._again(unpublished(now, self._settings.unpublished_after), "unpublished", now),
                await self._release(now),
                await self._again(stalled(now, self._settings.stalled_after), "stalled", now),
            ]
        )

    async def _deferred(self, now: datetime) -> int:
        messages = await deferred.claim(self._db, now, limit=BATCH)
        if messages:
            sent = await _each(self._publish_raw, messages)
            await deferred.done(self._db, sent)  # after the broker has them
            RELAYED.labels("deferred").inc(len(sent))
        return len(messages)

    async def _again(self, which: Document, why: str, now: datetime) -> int:
        records = await self._db.imports.find(which).sort("created_at", 1).limit(BATCH).to_list()
        return await self._start(records, why, now)

    async def _release(self, now: datetime) -> int:
        # The first few of every member, so that nobody's long queue hides another's single import.
        per_user = self._settings.imports_in_flight_per_user
        waiting = await self._db.imports.aggregate(
            [
                {"$match": {"active": True, "released": False}},
                {"$sort": {"priority": 1, "created_at": 1}},
                {"$group": {"_id": "$user_id", "first": {"$firstN": {"input": "$$ROOT", "n": per_user}}}},
            ]
        )
        records = [record async for member in waiting for record in member["first"]]
        if not records:
            return 0
        users = list({record["user_id"] for record in records})
        counted = await self._db.imports.aggregate(
            [
                {"$match": {**IN_FLIGHT, "user_id": {"$in": users}}},
                {"$group": {"_id": "$user_id", "in_flight": {"$sum": 1}}},
            ]
        )
        in_flight = {row["_id"]: row["in_flight"] async for row in counted}
        chosen = to_release(records, in_flight, per_user)[:BATCH]
        return await self._start(chosen, "released", now)

    async def _start(self, records: Sequence[Document], why: str, now: datetime) -> int:
        if not records:
            return 0
        # Marked first, so that a slow broker is not asked again at the next tick; unpublished ones come round again.
        await self._db.imports.update_many(
            {"_id": {"$in": [record["_id"] for record in records]}, "active": True},
            {"$set": {"released": True, "updated_at": now}},
        )
        sent = await _each(lambda record: self._publish(requested(record)), records)
        # The broker has them, so nobody need wait until the projector has seen them too.
        await self._db.imports.update_many(
            {"_id": {"$in": [record["_id"] for record in sent]}}, {"$set": {"published": True}}
        )
        RELAYED.labels(why).inc(len(sent))
        log.info("relayed", why=why, count=len(sent))
        return len(records)


async def _each(publish: PublishRaw, records: Sequence[Document]) -> list[Document]:
    """Those that went out: one that Kafka does not take holds up no other. Raises when none did."""
    results = await asyncio.gather(*(publish(record) for record in records), return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if len(errors) == len(records):
        raise errors[0]
    for error in errors:
        log.warning("not relayed", error=type(error).__name__)
    return [record for record, result in zip(records, results, strict=True) if result is None]
