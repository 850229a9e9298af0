"""What the language model costs (`model_spend`): an amount for each day and member, in millionths of a dollar."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypedDict

from pymongo import ASCENDING, IndexModel, UpdateOne, WriteConcern

from kit.mongo import Database, collection, refused

Account = tuple[str, str]  # the day (UTC, ISO) and the member


class SpendRecord(TypedDict):
    _id: str  # day/member
    micro: int
    expires_at: datetime


async def add(
    db: Database,
    sums: Mapping[Account, int],
    *,
    expires_at: datetime,
    cap: Callable[[str], int] | None = None,
) -> list[Account]:
    """Add these amounts; with `cap`, only where a member's account stays within it. Returns the refused accounts.

    An account that is over its cap exists, and so the upsert meets a duplicate key instead of beginning it anew.
    """
    # Not waiting for the journal: a crash of MongoDB forgets a tenth of a second's calls.
    spend = collection(db, "model_spend", SpendRecord).with_options(write_concern=WriteConcern(w=1, j=False))
    accounts = list(sums)
    writes = [
        UpdateOne(
            {"_id": f"{day}/{user_id}"} | ({"micro": {"$lte": cap(user_id) - sums[day, user_id]}} if cap else {}),
            {"$inc": {"micro": sums[day, user_id]}, "$setOnInsert": {"expires_at": expires_at}},
            upsert=True,
        )
        for day, user_id in accounts
    ]
    return [accounts[position] for position in await refused(spend.bulk_write(writes, ordered=False))]


INDEXES = [IndexModel([("expires_at", ASCENDING)], name="over", expireAfterSeconds=0)]
