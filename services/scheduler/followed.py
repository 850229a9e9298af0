"""What of the followed channels has no subscription, and the other way round. Pure: pipelines that run within the
database, however many there are."""

from datetime import datetime

from integrations.youtube_names import channel_url
from kit.mongo import Document
from kit.sources import followed
from kit.subscriptions import Mode, SubscriptionState


def newly_followed(now: datetime) -> list[Document]:
    """Over the sources, all within the database: a record for each channel that has none."""
    fields = {
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
    return [
        {"$match": {**followed("youtube"), "source_identifier": {"$regex": f"^{channel_url('UC')}"}}},
        {"$group": {"_id": "$source_identifier"}},
        {"$replaceWith": {"_id": {"$replaceOne": {"input": "$_id", "find": channel_url(""), "replacement": ""}}}},
        {"$set": fields},
        {"$merge": {"into": "subscriptions", "whenMatched": "keepExisting"}},
    ]


def abandoned(now: datetime) -> list[Document]:
    """Over the subscriptions: those that are not due and that no source wants are."""
    return [
        {"$match": {"due_at": {"$gt": now}, "asked": {"$ne": Mode.UNSUBSCRIBE}}},
        {
            "$lookup": {
                "from": "sources",
                "let": {"link": {"$concat": [channel_url(""), "$_id"]}},
                "pipeline": [
                    {"$match": {**followed("youtube"), "$expr": {"$eq": ["$source_identifier", "$$link"]}}},
                    {"$limit": 1},
                    {"$project": {"_id": 1}},
                ],
                "as": "followers",
            }
        },
        {"$match": {"followers": []}},
        {"$project": {"_id": 1, "due_at": now, "failures": {"$literal": 0}}},
        {"$merge": {"into": "subscriptions", "whenMatched": "merge", "whenNotMatched": "discard"}},
    ]
