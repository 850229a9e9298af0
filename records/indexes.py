"""The indexes of every collection, and how long records are kept.

Some stand beside the records of their collection, the others here.
"""

from collections.abc import Mapping

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import OperationFailure

from kit.mongo import Database
from kit.settings import MongoSettings
from records import batches, deferred, deletions, imports, model_spend, notices, points, projects

OTHER_OPTIONS = 85  # the server's word for an index that is there with another lifetime

# Which records go after a time that is a setting, by collection and index.
KEPT: Mapping[tuple[str, str], str] = {
    ("imports", "ended"): "imports_kept",
    ("batches", "old"): "imports_kept",
    ("notices", "old"): "notices_kept",
    ("runs", "old"): "runs_kept",
}

INDEXES: Mapping[str, list[IndexModel]] = {
    "imports": imports.INDEXES,
    "projects": projects.INDEXES,
    "deletions": deletions.INDEXES,
    "points": points.INDEXES,
    "model_spend": model_spend.INDEXES,
    "deferred": deferred.INDEXES,
    "notices": notices.INDEXES,
    "batches": batches.INDEXES,
    # An account's entry goes a day after its last window has ended.
    "budgets": [IndexModel([("reset_at", ASCENDING)], name="over", expireAfterSeconds=86_400)],
    "connections": [IndexModel([("user_id", ASCENDING)], name="by_user")],
    "held_keys": [IndexModel([("until", ASCENDING)], name="over", expireAfterSeconds=60)],
    "walks": [IndexModel([("expires_at", ASCENDING)], name="expired", expireAfterSeconds=0)],
    "users": [
        IndexModel([("username", ASCENDING)], name="username", unique=True),
        # An account elsewhere signs one member in.
        IndexModel(
            [("identities.provider", ASCENDING), ("identities.account_id", ASCENDING)],
            name="identity",
            unique=True,
            partialFilterExpression={"identities.account_id": {"$exists": True}},
        ),
        # An agent for each channel.
        IndexModel(
            [("curates", ASCENDING)],
            name="curates",
            unique=True,
            partialFilterExpression={"curates": {"$exists": True}},
        ),
        IndexModel(
            [("created_at", DESCENDING), ("_id", DESCENDING)],
            name="agents",
            partialFilterExpression={"kind": "agent"},
        ),
    ],
    "sessions": [IndexModel([("expires_at", ASCENDING)], name="expired", expireAfterSeconds=0)],
    "api_tokens": [
        IndexModel([("hash", ASCENDING)], name="hash", unique=True),
        IndexModel(
            [("user_id", ASCENDING), ("slot", ASCENDING)],
            name="slot",
            unique=True,
            partialFilterExpression={"slot": {"$exists": True}},
        ),
        IndexModel([("user_id", ASCENDING), ("created_at", DESCENDING)], name="by_user"),
        IndexModel([("expires_at", ASCENDING)], name="expired", expireAfterSeconds=30 * 86_400),
    ],
    "sources": [
        IndexModel(
            [("user_id", ASCENDING), ("platform", ASCENDING), ("url", ASCENDING)],
            name="one_per_member",
            unique=True,
        ),
        IndexModel([("user_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel([("platform", ASCENDING), ("url", ASCENDING)], name="followers"),
        IndexModel([("platform", ASCENDING), ("updated_at", ASCENDING)], name="changed"),
        IndexModel([("next_reason", ASCENDING), ("emit_at", ASCENDING)], name="to_emit"),
        IndexModel([("next_sync_at", ASCENDING)], name="due"),
    ],
    "subscriptions": [
        IndexModel([("due_at", ASCENDING)], name="due"),
        IndexModel([("terms", ASCENDING), ("due_at", ASCENDING)], name="terms"),
        IndexModel([("state", ASCENDING), ("lease_until", ASCENDING)], name="by_state"),
        IndexModel(
            [("callback", ASCENDING)],
            name="callback",
            unique=True,
            partialFilterExpression={"callback": {"$type": "string"}},
        ),
    ],
    "pushes": [IndexModel([("expires_at", ASCENDING)], name="expired", expireAfterSeconds=0)],
    # The history of a source, for as long as anybody would look back.
    "runs": [
        IndexModel([("source_id", ASCENDING), ("finished_at", DESCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel([("finished_at", ASCENDING)], name="old", expireAfterSeconds=0),
    ],
    "source_items": [IndexModel([("source_id", ASCENDING), ("url", ASCENDING)], name="by_source")],
    # A day longer than Kafka may redeliver what they answer.
    "outbox": [
        IndexModel([("run_id", ASCENDING), ("place", ASCENDING)], name="of_run"),
        IndexModel([("at", ASCENDING)], name="old", expireAfterSeconds=8 * 86_400),
    ],
    # Each source is synced within a week.
    "snapshots": [IndexModel([("read_at", ASCENDING)], name="unused", expireAfterSeconds=30 * 86_400)],
    "limits": [IndexModel([("expires_at", ASCENDING)], name="expired", expireAfterSeconds=0)],
}


async def ensure_indexes(db: Database, kept: MongoSettings | None = None) -> None:
    """Create what is missing, and have old records go when `kept` says; cheap and safe to repeat in every process."""
    for name in INDEXES:
        indexes = indexes_of(name, kept or MongoSettings.model_construct())
        try:
            await db[name].create_indexes(indexes)
        except OperationFailure as error:
            if error.code != OTHER_OPTIONS:
                raise
            for index in (one.document for one in indexes if (name, one.document["name"]) in KEPT):
                changed = {"name": index["name"], "expireAfterSeconds": index["expireAfterSeconds"]}
                await db.command("collMod", name, index=changed)
            await db[name].create_indexes(indexes)


def indexes_of(collection: str, kept: MongoSettings) -> list[IndexModel]:
    """The collection's indexes, with the lifetimes that are settings."""
    indexes = []
    for index in INDEXES[collection]:
        keys, options = list(index.document["key"].items()), {n: v for n, v in index.document.items() if n != "key"}
        if setting := KEPT.get((collection, options["name"])):
            options["expireAfterSeconds"] = round(getattr(kept, setting).total_seconds())
        indexes.append(IndexModel(keys, **options))
    return indexes
