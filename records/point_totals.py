"""A member's points in all: the sum of the ledger, of which the older part is remembered.

What is remembered (`point_totals`) sums the entries up to a moment. Entries are dated when they are written, so none
is added before a moment that is `SETTLED` ago, however far the clocks of the processes are apart. It is a short cut
and no more: without it the sum is the same.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from pymongo.errors import DuplicateKeyError

from kit.mongo import Database, Document

SETTLED = timedelta(hours=1)
WORTH_IT = 200  # entries after what is remembered; fewer are summed in no time


async def total_points(db: Database, user_id: str, now: datetime | None = None) -> int:
    """Two short queries; each couple of hundred entries one more, which remembers."""
    known = await db["point_totals"].find_one({"_id": user_id}) or {"total": 0, "until": None}
    newer: Document = {"awarded_at": {"$gte": known["until"]}} if known["until"] else {}
    total, count = await _sum(db, {"user_id": user_id, **newer})
    if count > WORTH_IT:
        await remember(db, user_id, (now or datetime.now(UTC)) - SETTLED)
    return int(known["total"]) + total


async def remember(db: Database, user_id: str, until: datetime) -> None:
    """Sum the entries before `until`, for those who ask later."""
    total, _ = await _sum(db, {"user_id": user_id, "awarded_at": {"$lt": until}})
    with suppress(DuplicateKeyError):  # somebody has remembered more
        await db["point_totals"].update_one(
            {"_id": user_id, "until": {"$lt": until}}, {"$set": {"until": until, "total": total}}, upsert=True
        )


async def _sum(db: Database, which: Document) -> tuple[int, int]:
    """The points of these entries, and how many entries there are."""
    group = {"_id": None, "total": {"$sum": "$points"}, "count": {"$sum": 1}}
    rows = await (await db["points"].aggregate([{"$match": which}, {"$group": group}])).to_list()
    return (int(rows[0]["total"]), int(rows[0]["count"])) if rows else (0, 0)
