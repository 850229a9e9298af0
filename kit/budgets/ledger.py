"""The ledger: how much of a bucket an account has left, in MongoDB (`budgets`), one document for each.

Processes take blocks of units out of it and report what became of them, both in one atomic update. What has been
taken counts as spent until it is returned. Where the upstream's answers tell its own count, that is the truth, and
to it comes what the processes hold: units that they have not spent, and calls that are under way. So others who
spend the same credential are noticed, and what a process that died has held comes back.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ReturnDocument, WriteConcern
from pymongo.errors import DuplicateKeyError

from kit.budgets.bucket import Bucket, Reading
from kit.mongo import Collection, Document

SPREAD = 32  # a block is at most this part of what is left, so that many processes run out together
LATE = timedelta(seconds=2)  # a window opens that much after the last one's end: clocks differ
HOLDER_DIES_AFTER = timedelta(seconds=60)  # without a report; longer than any call takes
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Report:
    """What a process tells the ledger, and the units that it would like, `need` at least."""

    window: int
    units: int  # kept, not spent
    in_flight: int
    unread: int = 0  # spent after the reading
    returned: int = 0
    want: int = 0
    need: int = 0
    reserve: int = 0  # units that are not for it
    reading: Reading | None = None
    limited_until: datetime | None = None
    spent: dict[str, int] = field(default_factory=dict)  # by member's mark, since the last report


@dataclass(frozen=True, slots=True)
class Entry:
    """An account's budget as the ledger has it. `window` is the number of the current one."""

    granted: int
    window: int
    reset_at: datetime
    units: int
    left: int
    limited_until: datetime
    members: dict[str, Document]  # by mark: units `used` in this window, and `at` which time last

    @property
    def scarce(self) -> bool:
        return self.left < self.units / 2


class Ledger:
    def __init__(self, collection: Collection, holder: str) -> None:
        """`holder` names the process."""
        # Not waiting for the journal: what a crash of MongoDB takes with it is a tenth of a second's calls.
        self._budgets = collection.with_options(write_concern=WriteConcern(w=1, j=False))
        self._holder = holder

    async def exchange(self, bucket: Bucket, account: str, report: Report, *, part: str, now: datetime) -> Entry:
        """Takes in a report and grants units: `need` to `want` of them, or none. `part` tells the holder's accounts
        of the same bucket apart."""
        update = _update(bucket, report, f"{self._holder}/{part}", now)
        which = {"_id": f"{bucket.name}/{account}"}
        try:
            document = await self._exchange(which, update)
        except DuplicateKeyError:  # two processes opened it at the same time
            document = await self._exchange(which, update)
        return Entry(
            granted=int(document["granted"]),
            window=document["window"],
            reset_at=document["reset_at"],
            units=document["units"],
            left=int(document["units"] - document["taken"]),
            limited_until=document["limited_until"],
            members=document["members"],
        )

    async def _exchange(self, which: Document, update: list[Document]) -> Document:
        document = await self._budgets.find_one_and_update(
            which, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        return document or {}


def _update(bucket: Bucket, report: Report, holder: str, now: datetime) -> list[Document]:
    reading = report.reading
    end = bucket.next_reset(now) + LATE
    earlier = {"$min": ["$reset_at", end]}  # a window that ends later began by a clock that is far ahead
    marks = {
        f"members.{mark}": {"used": _sum(_or(f"$members.{mark}.used", 0), used), "at": now}
        for mark, used in report.spent.items()
    }
    held = report.units + report.in_flight + report.unread
    return [
        {"$set": {"over": {"$lte": [_or("$reset_at", NEVER), now]}}},
        {
            "$set": {  # a new window, where the last one is over
                "window": _sum(_or("$window", 0), {"$cond": ["$over", 1, 0]}),
                "reset_at": {"$cond": ["$over", end, {"$cond": [_is_right(now), earlier, "$reset_at"]}]},
                "taken": {"$cond": ["$over", 0, "$taken"]},
                "seen": {"$cond": ["$over", None, "$seen"]},
                "told": {"$cond": ["$over", None, "$told"]},
                "members": {"$cond": ["$over", {"$literal": {}}, "$members"]},
                "limited_until": _or("$limited_until", NEVER),
                "holders": {
                    "$filter": {
                        "input": _or("$holders", []),
                        "cond": {
                            "$and": [
                                {"$ne": ["$$this.name", holder]},
                                {"$gt": ["$$this.at", now - HOLDER_DIES_AFTER]},
                            ]
                        },
                    }
                },
            }
        },
        {"$set": {"same": {"$eq": ["$window", report.window]}}},
        {
            "$set": {
                # Calls that began in the window before may be counted in this one.
                "taken": _sum("$taken", {"$cond": ["$same", -report.returned, report.in_flight]}),
                "seen": _if_same({"$max": ["$seen", reading.used if reading else None]}, "$seen"),
                "told": _if_same(reading.limit if reading else "$told", "$told"),
                "reset_at": _if_same(
                    {"$min": ["$reset_at", reading.reset_at + LATE]} if reading else "$reset_at", "$reset_at"
                ),
                "limited_until": {"$max": ["$limited_until", report.limited_until]},
                **marks,
            }
        },
        {"$set": {"units": _or("$told", bucket.units)}},
        {
            "$set": {
                "taken": {
                    "$cond": [
                        {"$eq": ["$seen", None]},
                        "$taken",
                        _sum("$seen", {"$sum": "$holders.held"}, held),
                    ]
                }
            }
        },
        {"$set": {"free": {"$subtract": ["$units", _sum("$taken", report.reserve)]}}},
        {"$set": {"granted": _grant(report, now)}},
        {
            "$set": {
                "taken": _sum("$taken", "$granted"),
                "holders": {
                    "$concatArrays": [
                        "$holders",
                        [{"name": holder, "held": _sum(held, "$granted"), "at": now}],
                    ]
                },
            }
        },
        {"$unset": ["over", "same", "free"]},
    ]


def _grant(report: Report, now: datetime) -> Document:
    block = {"$max": [report.need, {"$min": [report.want, {"$floor": {"$divide": ["$free", SPREAD]}}]}]}
    none = {"$or": [{"$gt": ["$limited_until", now]}, {"$lt": ["$free", report.need]}, {"$lte": ["$free", 0]}]}
    return {"$cond": [none, 0, block]}


def _is_right(now: datetime) -> Document:
    """Whether MongoDB's own clock agrees, so closely that two who are right are less than LATE apart: a clock that is
    behind would end windows that others have only just begun."""
    milliseconds = {"$abs": {"$subtract": ["$$NOW", now]}}
    return {"$lt": [milliseconds, LATE.total_seconds() * 1_000 / 2]}


def _sum(*terms: Any) -> Document:
    return {"$add": list(terms)}


def _or(value: Any, otherwise: Any) -> Document:
    return {"$ifNull": [value, otherwise]}


def _if_same(value: Any, otherwise: Any) -> Document:
    return {"$cond": ["$same", value, otherwise]}
