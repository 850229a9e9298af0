"""The relay's queries of imports (`imports`): which ones wait to be published, and what became of a publication.

Each look-up reads about as much as it returns, however many imports wait.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from pymongo import UpdateOne

from kit.mongo import Database
from records.imports import IN_FLIGHT, ImportRecord, imports

PAGE, PAGES = 500, 4  # entries of the index that are read to find members who wait
RELEASED = {"active": True, "released": True, "published": False}


async def unpublished(db: Database, now: datetime, after: timedelta, limit: int) -> list[ImportRecord]:
    """Return released imports that were not seen on their topic for a while, oldest first."""
    which = {**RELEASED, "updated_at": {"$lt": now - after}, "relay_after": None}
    return await imports(db).find(which).sort("created_at", 1).limit(limit).to_list()


async def to_retry(db: Database, now: datetime, limit: int) -> list[ImportRecord]:
    """Return the imports that Kafka did not take when last tried, and whose pause is over."""
    which = {**RELEASED, "relay_after": {"$lte": now}}
    return await imports(db).find(which).sort("relay_after", 1).limit(limit).to_list()


async def to_watch(db: Database, now: datetime, limit: int) -> list[ImportRecord]:
    """Return the imports under way whose time to be checked has come."""
    which = {"active": True, "watch_at": {"$lte": now}}
    return await imports(db).find(which).sort("watch_at", 1).limit(limit).to_list()


async def watch_later(db: Database, watch_at: Mapping[UUID, datetime]) -> None:
    """Check each of these imports again at its time."""
    writes = [UpdateOne({"_id": one, "active": True}, {"$set": {"watch_at": at}}) for one, at in watch_at.items()]
    await imports(db).bulk_write(writes, ordered=False)


async def members_waiting(db: Database, after: str, limit: int) -> tuple[list[str], str]:
    """Return the next members, by their ids, who have imports to be released, at most `limit`; and the member to go on
    after, empty behind the last one. Reads a few pages of the index; a long queue of one member is jumped over."""
    members: list[str] = []
    for _ in range(PAGES):
        which = {"active": True, "released": False, "user_id": {"$gt": after}}
        order = [("user_id", 1), ("priority", 1), ("created_at", 1)]
        page = await imports(db).find(which, {"_id": 0, "user_id": 1}).sort(order).limit(PAGE).to_list()
        members += dict.fromkeys(entry["user_id"] for entry in page)
        if len(members) >= limit:
            break
        if len(page) < PAGE:
            return members, ""
        after = members[-1]
    return members[:limit], members[:limit][-1]


async def in_flight(db: Database, users: Sequence[str]) -> dict[str, int]:
    """Count the released and unfinished imports of these members, without those of syncs."""
    counted = await db.imports.aggregate(
        [
            {"$match": {**IN_FLIGHT, "user_id": {"$in": list(users)}}},
            {"$group": {"_id": "$user_id", "in_flight": {"$sum": 1}}},
        ]
    )
    return {row["_id"]: row["in_flight"] async for row in counted}


async def first_waiting(db: Database, users: Sequence[str], most: int) -> list[ImportRecord]:
    """Return the first few imports to be released of each of these members, with one query."""
    theirs = {"active": True, "released": False, "$expr": {"$eq": ["$user_id", "$$user"]}}
    first = [{"$match": theirs}, {"$sort": {"priority": 1, "created_at": 1}}, {"$limit": most}]
    found = await db.aggregate(
        [
            {"$documents": [{"user": user} for user in users]},
            {"$lookup": {"from": "imports", "let": {"user": "$user"}, "pipeline": first, "as": "first"}},
        ]
    )
    return [record async for member in found for record in member["first"]]


async def mark_released(db: Database, records: Sequence[ImportRecord], now: datetime) -> None:
    if records:
        which = {"_id": {"$in": [record["_id"] for record in records]}, "active": True}
        await imports(db).update_many(which, {"$set": {"released": True, "updated_at": now}})


async def mark_published(db: Database, records: Sequence[ImportRecord]) -> None:
    """Note that Kafka has these, without waiting for the projector to see them."""
    await imports(db).update_many(
        {"_id": {"$in": [record["_id"] for record in records]}},
        {"$set": {"published": True}, "$unset": {"relay_after": "", "relay_tries": ""}},
    )


async def put_off(db: Database, records: Sequence[tuple[ImportRecord, datetime]]) -> None:
    """Try the imports that Kafka did not take again, each at its time."""
    writes = [
        UpdateOne(
            {"_id": record["_id"], "active": True},
            {"$set": {"relay_after": at, "published": False}, "$inc": {"relay_tries": 1}},
        )
        for record, at in records
    ]
    await imports(db).bulk_write(writes, ordered=False)
