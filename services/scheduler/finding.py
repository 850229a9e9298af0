"""Which imports the relay takes up next. Each sync-up reads about as much as it returns, however many wait."""

from datetime import datetime, timedelta

from pymongo import UpdateOne

from kit.mongo import Database, Document
from records.imports import IN_FLIGHT
from services.scheduler.due import quiet_until, to_release

MEMBERS = 200  # synced in one step; whose share is full is passed over
STEPS = 20


async def stalled(db: Database, now: datetime, after: timedelta, limit: int) -> list[Document]:
    """Published, without progress for `after`, and waiting for no known time.

    An import under way is synced when its `watch_at` has come; one that moved meanwhile is given a later one. So
    its progress writes nothing but itself.
    """
    due = await db.imports.find({"active": True, "watch_at": {"$lte": now}}).sort("watch_at", 1).limit(limit).to_list()
    if not due:
        return []
    until = {record["_id"]: quiet_until(record, after) for record in due}
    later = [
        UpdateOne({"_id": one, "active": True}, {"$set": {"watch_at": at if at > now else now + after}})
        for one, at in until.items()
    ]
    await db.imports.bulk_write(later, ordered=False)
    return [record for record in due if record["released"] and record["published"] and until[record["_id"]] <= now]


async def held(db: Database, per_user: int, limit: int) -> list[Document]:
    """Whose imports go next, at most `per_user` in flight for each member: see `to_release`."""
    # One seek in the index for each member: their first import, so that no long queue hides another's single one.
    firsts = await db.imports.aggregate(
        [
            {"$match": {"active": True, "released": False}},
            {"$sort": {"user_id": 1, "priority": 1, "created_at": 1}},
            {
                "$group": {
                    "_id": "$user_id",
                    "priority": {"$first": "$priority"},
                    "created_at": {"$first": "$created_at"},
                }
            },
            {"$sort": {"priority": 1, "created_at": 1}},
            {"$limit": MEMBERS * STEPS},
        ]
    )
    members = [member["_id"] async for member in firsts]
    chosen: list[Document] = []
    for start in range(0, len(members), MEMBERS):
        step = members[start : start + MEMBERS]
        in_flight = await in_flight_of(db, step)
        with_room = [user for user in step if in_flight.get(user, 0) < per_user]
        if with_room:
            waiting = await _first_few(db, with_room, min(per_user, limit))
            chosen += to_release(waiting, in_flight, per_user)[: limit - len(chosen)]
        if len(chosen) >= limit:
            break
    return chosen


async def in_flight_of(db: Database, users: list[str]) -> dict[str, int]:
    counted = await db.imports.aggregate(
        [
            {"$match": {**IN_FLIGHT, "user_id": {"$in": users}}},
            {"$group": {"_id": "$user_id", "in_flight": {"$sum": 1}}},
        ]
    )
    return {row["_id"]: row["in_flight"] async for row in counted}


async def _first_few(db: Database, users: list[str], most: int) -> list[Document]:
    """Of each of these members, in one query."""
    mine = {"active": True, "released": False, "$expr": {"$eq": ["$user_id", "$$user"]}}
    found = await db.aggregate(
        [
            {"$documents": [{"user": user} for user in users]},
            {
                "$lookup": {
                    "from": "imports",
                    "let": {"user": "$user"},
                    "pipeline": [{"$match": mine}, {"$sort": {"priority": 1, "created_at": 1}}, {"$limit": most}],
                    "as": "first",
                }
            },
        ]
    )
    return [record async for member in found for record in member["first"]]
