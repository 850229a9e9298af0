"""The members and agents (`users`), as the stages read them."""

from collections.abc import Collection

from kit.mongo import Database


async def agents_among(db: Database, ids: Collection[str]) -> set[str]:
    """Return those of these ids that belong to agents."""
    found = db.users.find({"_id": {"$in": list(ids)}, "kind": "agent"}, {"_id": 1})
    return {str(user["_id"]) async for user in found}
