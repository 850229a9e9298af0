"""What the scheduler asks of `sources`: claim those that are due, and note that their syncs were requested.

A claim is a lease: it hides a source from every other scheduler until it runs out. `request_sync` ends it, so that the
source is due again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from kit.mongo import Database, Document

OVERDUE_AFTER = timedelta(hours=1)


def to_emit(now: datetime, reasons: Sequence[str]) -> Document:
    """Return a filter for sources whose sync is to be requested for one of these reasons."""
    # Paused at the moment of a claim, a source may keep an `emit_at` without anything to emit.
    return {"next_reason": {"$in": list(reasons)}, "emit_at": {"$lte": now}, "next_sync_at": {"$ne": None}}


async def claim_due(
    db: Database, now: datetime, reasons: Sequence[str], *, limit: int, lease: timedelta
) -> list[Document]:
    """Claim the sources that have been due longest and that no other scheduler holds."""
    free = to_emit(now, reasons)
    found = await db.sources.find(free, {"_id": 1}).sort("emit_at", 1).limit(limit).to_list()
    if not found:
        return []
    claim = uuid4()
    ids = {"$in": [source["_id"] for source in found]}
    await db.sources.update_many({**free, "_id": ids}, {"$set": {"claim": claim, "emit_at": now + lease}})
    return await db.sources.find({"_id": ids, "claim": claim}, {"cursor": 0, "metadata": 0}).to_list()


async def mark_requested(db: Database, claim: UUID, sources: Sequence[Document], again_at: datetime) -> None:
    """End the claim of these sources. Their syncs are requested again at `again_at` unless they end before."""
    await db.sources.update_many(
        {"_id": {"$in": [source["_id"] for source in sources]}, "claim": claim},
        {"$set": {"emit_at": again_at}, "$unset": {"claim": ""}},
    )


async def count_overdue(db: Database, now: datetime) -> int:
    """Count the sources that have been due for an hour and were not synced."""
    return await db.sources.count_documents({"next_sync_at": {"$lte": now - OVERDUE_AFTER}})
