"""Where the channels that are followed and those that are subscribed to differ. Pure: a pipeline that compares them
within the database, and what to write for each difference."""

from datetime import datetime

from pymongo import UpdateOne

from integrations.youtube_names import channel_url
from kit.mongo import Document
from kit.sources import followed
from kit.subscriptions import Mode, SubscriptionState


def differences(now: datetime) -> list[Document]:
    """Over the sources: {_id: a channel's id, wanted}, for each that is wanted and has no subscription, or has one that
    rests and is not wanted."""
    quiet = {"$and": [{"$gt": ["$due_at", now]}, {"$ne": ["$asked", Mode.UNSUBSCRIBE]}]}
    subscriptions = [{"$project": {"had": {"$literal": True}, "quiet": quiet}}]
    return [
        {"$match": {**followed("youtube"), "url": {"$regex": f"^{channel_url('UC')}"}}},
        {"$group": {"_id": "$url"}},
        {
            "$project": {
                "_id": {"$replaceOne": {"input": "$_id", "find": channel_url(""), "replacement": ""}},
                "wanted": {"$literal": True},
            }
        },
        {"$unionWith": {"coll": "subscriptions", "pipeline": subscriptions}},
        {"$group": {"_id": "$_id"} | {name: {"$max": f"${name}"} for name in ("wanted", "had", "quiet")}},
        {"$match": {"$or": [{"wanted": True, "had": None}, {"wanted": None, "quiet": True}]}},
        {"$project": {"wanted": 1}},
    ]


def settled(channel: Document, now: datetime) -> UpdateOne:
    """Due at once either way: to be asked for, or to be ended."""
    if not channel["wanted"]:
        return UpdateOne({"_id": channel["_id"]}, {"$set": {"due_at": now, "failures": 0}})
    new = {
        "state": SubscriptionState.PENDING,
        "asked": None,
        "callback": None,
        "terms": None,
        "failures": 0,
        "lease_until": None,
        "due_at": now,
        "created_at": now,
        "updated_at": now,
    }
    return UpdateOne({"_id": channel["_id"]}, {"$setOnInsert": new}, upsert=True)
