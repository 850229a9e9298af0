"""Claim, publish, mark: how one of several schedulers takes records, so that no two publish the same one.

A claim is a lease. It hides a record from the others until a time that the caller sets; a claim that its holder did
not finish runs out by itself.
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from pymongo.asynchronous.collection import AsyncCollection

from kit.mongo import Document, Record


async def claim(
    records: AsyncCollection[Record],
    free: Document,
    *,
    order: str,
    limit: int,
    hold: Mapping[str, Any],
    free_now: Document | None = None,
    without: tuple[str, ...] = (),
) -> list[Record]:
    """Claim up to `limit` records of the filter `free`, those with the lowest `order` first, in no order.

    `hold` is set on them: the time until which they are claimed. `free_now` is what must still be so at that moment,
    `free` where it is not given. The records are read back after the write, `without` some fields.
    """
    found = await records.find(free, {"_id": 1}).sort(order, 1).limit(limit).to_list()
    if not found:
        return []
    ids = {"$in": [record["_id"] for record in found]}
    mine = uuid4()
    await records.update_many({**(free_now or free), "_id": ids}, {"$set": {"claim": mine, **hold}})
    return await records.find({"_id": ids, "claim": mine}, dict.fromkeys(without, 0) or None).to_list()
