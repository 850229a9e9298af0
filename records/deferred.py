"""The deferred store: messages that wait for their time in MongoDB instead of holding a consumer.

A stage `put`s the raw record and commits its offset; the scheduler's relay `claim`s what is due, publishes it to the
topic it came from and `done`s it. Publishing twice is harmless, so a claim that its relay did not finish runs out.
What waits for something that has no time, such as a member's consent, names it, and `release` makes it due.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from aiokafka import ConsumerRecord
from bson.binary import Binary
from pymongo import DeleteOne, UpdateOne

from kit.mongo import Database, Document

WAITS_HEADER = "x-deferred"  # how often this message has waited already
OUTAGES_HEADER = "x-deferred-outages"  # how many of its last waits, in a row, were for an upstream that was down
MAX_COUNT_DIGITS = 9
CLAIM = timedelta(seconds=30)
MAX_HEADER_BYTES = 16 * 1024  # a record that came compressed may carry more than Kafka takes back from us


def waits(headers: Sequence[tuple[str, bytes]]) -> int:
    return _count(headers, WAITS_HEADER)


def outages(headers: Sequence[tuple[str, bytes]]) -> int:
    return _count(headers, OUTAGES_HEADER)


def _count(headers: Sequence[tuple[str, bytes]], name: str) -> int:
    """Anybody may have written the header; what is no count of ours is none."""
    value = dict(headers).get(name) or b"0"
    return int(value) if value.isdigit() and len(value) <= MAX_COUNT_DIGITS else 0


async def put(
    db: Database,
    record: "ConsumerRecord[Any, Any]",
    *,
    due_at: datetime,
    reason: str,
    waits_for: str | None = None,
    counted: bool = True,
    outage: bool = False,
) -> None:
    """Durable on return. The record's origin is its id: a redelivered record is stored once. A wait that is not
    `counted` brings the record no nearer to its last one; `outage` where it is for an upstream that is down."""
    headers = _kept(record.headers)
    headers.append((WAITS_HEADER, str(waits(record.headers) + counted).encode()))
    if outage:
        headers.append((OUTAGES_HEADER, str(outages(record.headers) + 1).encode()))
    await db.deferred.replace_one(
        {"_id": f"{record.topic}/{record.partition}/{record.offset}"},
        {
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


async def release(db: Database, waits_for: str, now: datetime) -> int:
    """Make due what waits for this; how many. A message that is put at the same moment is missed, and looks again by
    itself when its own time comes."""
    result = await db.deferred.update_many({"waits_for": waits_for, "due_at": {"$gt": now}}, {"$set": {"due_at": now}})
    return result.modified_count


def _kept(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """All but our own counts, as far as there is room."""
    kept, room = [], MAX_HEADER_BYTES
    for name, value in headers:
        size = len(name.encode()) + len(value or b"")
        if name not in (WAITS_HEADER, OUTAGES_HEADER) and size <= room:
            kept.append((name, value))
            room -= size
    return kept


async def claim(db: Database, now: datetime, *, limit: int = 200, again: bool = False) -> list[Document]:
    """Up to `limit` due messages, oldest first, that no other relay has in hand: of those that were never put off, or
    `again` of those that were, so that neither stand behind the others."""
    if limit <= 0:
        return []
    free = {"due_at": {"$lte": now}, "$or": [{"claimed_until": None}, {"claimed_until": {"$lt": now}}]}
    lane = {**free, "relay_tries": {"$gte": 1} if again else None}
    order = "claimed_until" if again else "due_at"  # of those that were put off, whoever has waited longest
    due = await db.deferred.find(lane, {"_id": 1}).sort(order, 1).limit(limit).to_list()
    if not due:
        return []
    claim_id = uuid4()
    ids = [document["_id"] for document in due]
    await db.deferred.update_many(
        {"_id": {"$in": ids}, **free}, {"$set": {"claimed_until": now + CLAIM, "claim": claim_id}}
    )
    return await db.deferred.find({"_id": {"$in": ids}, "claim": claim_id}).sort("due_at", 1).to_list()


async def done(db: Database, messages: Sequence[Document]) -> None:
    """These were published; what is left of their claim comes back when it runs out."""
    if messages:
        await db.deferred.bulk_write([DeleteOne(_claimed(message)) for message in messages], ordered=False)


async def put_off(db: Database, messages: Sequence[tuple[Document, datetime]]) -> None:
    """Kafka did not take these; each comes again at its time."""
    if messages:
        writes = [
            UpdateOne(_claimed(message), {"$set": {"claimed_until": at}, "$inc": {"relay_tries": 1}})
            for message, at in messages
        ]
        await db.deferred.bulk_write(writes, ordered=False)


def _claimed(message: Document) -> Document:
    """Unless it was put, or claimed, anew meanwhile."""
    return {"_id": message["_id"], "claim": message["claim"]}
