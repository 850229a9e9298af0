"""What the scheduler asks of `sources`: claim those that are due, and note that their syncs were requested.

A claim is a lease: it hides a source from every other scheduler until it runs out. `request_sync` ends it, so that the
source is due again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from kit.mongo import Database, Document
from records import claims

OVERDUE_AFTER = timedelta(hours=1)


def to_emit(now: datetime, reasons: Sequence[str]) -> Document:
    """Return a filter for sources whose sync is to be requested for one of these reasons."""
    # Paused at the moment of a claim, a source may keep an `emit_at` without anything to emit.
    return {"next_reason": {"$in": list(reasons)}, "emit_at": {"$lte": now}, "next_sync_at": {"$ne": None}}


async def claim_due(
    db: Database, now: datetime, reasons: Sequence[str], *, limit: int, lease: timedelta
) -> list[Document]:
    """Claim the sources that have been due longest and that no other scheduler holds."""
    free, hold = to_emit(now, reasons), {"emit_at": now + lease}
    return await claims.claim(db.sources, free, order="emit_at", limit=limit, hold=hold, without=("cursor", "metadata"))


async def mark_requested(db: Database, claim: UUID, sources: Sequence[Document], again_at: datetime) -> None:
    """End the claim of these sources. Their syncs are requested again at `again_at` unless they end before."""
    await db.sources.update_many(
        {"_id": {"$in": [source["_id"] for source in sources]}, "claim": claim},
        {"$set": {"emit_at": again_at}, "$unset": {"claim": ""}},
    )


async def count_overdue(db: Database, now: datetime) -> int:
    """Count the sources that have been due for an hour and were not synced."""
    return await db.sources.count_documents({"next_sync_at": {"$lte": now - OVERDUE_AFTER}})
