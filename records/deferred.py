"""The deferred store (`deferred`): messages that wait for their time in MongoDB instead of blocking a consumer.

A stage stores the raw record with `defer` and commits its offset. The scheduler's relay claims the due messages,
publishes each to the topic it came from, and deletes it with `mark_sent`. Publishing twice is harmless, so a claim that
its relay did not finish runs out. A message that is blocked on something without a time, such as a member's consent,
names it in `waits_for`; `unblock` makes it due.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict
from uuid import UUID

from aiokafka import ConsumerRecord
from bson.binary import Binary
from pymongo import ASCENDING, DeleteOne, IndexModel, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Database, Document, collection
from records import claims

WAITS_HEADER = "x-deferred"  # how often this message has waited already
OUTAGES_HEADER = "x-deferred-outages"  # how many of its last waits, in a row, were for an upstream that was down
MAX_COUNT_DIGITS = 9
CLAIM = timedelta(seconds=30)
MAX_HEADER_BYTES = 16 * 1024  # a record that came compressed may carry more than Kafka takes back from us


class DeferredRecord(TypedDict):
    _id: str  # topic/partition/offset of the record
    topic: str
    key: bytes
    value: bytes
    headers: list[list[Any]]  # name and value
    due_at: datetime
    reason: str  # the error code
    waits_for: NotRequired[str]
    claimed_until: NotRequired[datetime]
    claim: NotRequired[UUID]
    relay_tries: NotRequired[int]  # how often Kafka did not take it


def deferred(db: Database) -> AsyncCollection[DeferredRecord]:
    return collection(db, "deferred", DeferredRecord)


def waits(headers: Sequence[tuple[str, bytes]]) -> int:
    return _count(headers, WAITS_HEADER)


def outages(headers: Sequence[tuple[str, bytes]]) -> int:
    return _count(headers, OUTAGES_HEADER)


def _count(headers: Sequence[tuple[str, bytes]], name: str) -> int:
    """Read a counter; other systems may have written the header, so that anything but a short number is zero."""
    value = dict(headers).get(name) or b"0"
    return int(value) if value.isdigit() and len(value) <= MAX_COUNT_DIGITS else 0


async def defer(
    db: Database,
    record: "ConsumerRecord[Any, Any]",
    *,
    due_at: datetime,
    reason: str,
    waits_for: str | None = None,
    counted: bool = True,
    outage: bool = False,
) -> None:
    """Store the record until `due_at`; durable on return. A redelivered record is stored once, by its origin.

    A wait that is not `counted` does not use up one of the record's tries. `outage` says that it waits for an upstream
    that is down.
    """
    headers = _kept(record.headers)
    headers.append((WAITS_HEADER, str(waits(record.headers) + counted).encode()))
    if outage:
        headers.append((OUTAGES_HEADER, str(outages(record.headers) + 1).encode()))
    message_id = f"{record.topic}/{record.partition}/{record.offset}"
    await deferred(db).replace_one(
        {"_id": message_id},
        {
            "_id": message_id,
            "topic": record.topic,
            "key": Binary(record.key or b""),
            "value": Binary(record.value or b""),
            "headers": [[name, Binary(value or b"")] for name, value in headers],
            "due_at": due_at,
            "reason": reason,
            **({"waits_for": waits_for} if waits_for else {}),
        },
        upsert=True,
    )


async def unblock(db: Database, waits_for: str, now: datetime) -> int:
    """Make everything that is blocked on this due now; returns the count. A message that is stored at the same moment
    is missed, and tries again by itself when its own time comes."""
    blocked = {"waits_for": waits_for, "due_at": {"$gt": now}}
    return (await deferred(db).update_many(blocked, {"$set": {"due_at": now}})).modified_count


def _kept(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return the headers without our own counters, as many as Kafka takes back."""
    kept, room = [], MAX_HEADER_BYTES
    for name, value in headers:
        size = len(name.encode()) + len(value or b"")
        if name not in (WAITS_HEADER, OUTAGES_HEADER) and size <= room:
            kept.append((name, value))
            room -= size
    return kept


async def claim(db: Database, now: datetime, *, limit: int = 200, again: bool = False) -> list[DeferredRecord]:
    """Claim up to `limit` due messages, oldest first: those that were never put off, or, with `again`, those that were.
    Each kind has its own turn, so that neither waits behind the other."""
    if limit <= 0:
        return []
    free = {"due_at": {"$lte": now}, "$or": [{"claimed_until": None}, {"claimed_until": {"$lt": now}}]}
    kind = {**free, "relay_tries": {"$gte": 1} if again else None}
    order = "claimed_until" if again else "due_at"  # among those that were put off, the one that has waited longest
    hold = {"claimed_until": now + CLAIM}
    claimed = await claims.claim(deferred(db), kind, order=order, limit=limit, hold=hold, free_now=free)
    return sorted(claimed, key=lambda message: message["due_at"])


async def mark_sent(db: Database, messages: Sequence[DeferredRecord]) -> None:
    """Delete the published messages that are still claimed by this relay."""
    if messages:
        await deferred(db).bulk_write([DeleteOne(_claimed(message)) for message in messages], ordered=False)


async def put_off(db: Database, messages: Sequence[tuple[DeferredRecord, datetime]]) -> None:
    """Try the messages that Kafka did not take again, each at its time."""
    if messages:
        writes = [
            UpdateOne(_claimed(message), {"$set": {"claimed_until": at}, "$inc": {"relay_tries": 1}})
            for message, at in messages
        ]
        await deferred(db).bulk_write(writes, ordered=False)


def _claimed(message: DeferredRecord) -> Document:
    """Return the filter of a message that was not stored or claimed again meanwhile."""
    return {"_id": message["_id"], "claim": message["claim"]}


INDEXES = [
    IndexModel([("due_at", ASCENDING)], name="due"),
    IndexModel([("waits_for", ASCENDING)], name="waits_for", sparse=True),
]
