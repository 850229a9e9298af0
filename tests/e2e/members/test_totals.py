"""A member's total is the sum of the ledger, whatever part of it is remembered."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from kit.mongo import Database
from records.point_totals import SETTLED, WORTH_IT, remember, total_points

NOW = datetime(2026, 1, 2, tzinfo=UTC)


async def enter(db: Database, *, user_id: str = "ada", minutes_ago: float, points: int = 50) -> None:
    entry = {"user_id": user_id, "project_id": uuid4(), "reason": "project_create", "points": points}
    await db.points.insert_one({**entry, "_id": uuid4(), "awarded_at": NOW - timedelta(minutes=minutes_ago)})


async def test_the_total_is_the_sum_while_the_older_part_is_remembered_and_entries_are_added(db: Database) -> None:
    choose = random.Random(7)
    await enter(db, user_id="bob", minutes_ago=500, points=7)
    expected, now = 0, NOW
    for _ in range(5):
        for _ in range(WORTH_IT // 2 + 1):
            points = choose.choice((0, 50))
            expected += points
            await enter(db, minutes_ago=choose.uniform(0, 30) - (now - NOW).total_seconds() / 60, points=points)
        assert await total_points(db, "ada", now) == expected
        now += timedelta(hours=2)
    assert await db.point_totals.count_documents({"_id": "ada"}) == 1, "or it remembered nothing"
    assert await total_points(db, "bob", now) == 7


async def test_an_entry_at_the_very_moment_counts_once(db: Database) -> None:
    await enter(db, minutes_ago=SETTLED.total_seconds() / 60)
    await remember(db, "ada", NOW - SETTLED)
    assert await total_points(db, "ada", NOW) == 50
    await remember(db, "ada", NOW - SETTLED + timedelta(milliseconds=1))
    assert await total_points(db, "ada", NOW) == 50


async def test_what_covers_less_never_replaces_what_covers_more(db: Database) -> None:
    await enter(db, minutes_ago=90)
    await remember(db, "ada", NOW - SETTLED)
    await remember(db, "ada", NOW - 2 * SETTLED)
    assert (await db.point_totals.find_one({"_id": "ada"}) or {})["total"] == 50


async def test_nobody_has_nothing(db: Database) -> None:
    assert await total_points(db, "nobody") == 0
