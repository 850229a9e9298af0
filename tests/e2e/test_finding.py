"""What the relay takes up next, on a real MongoDB: the right imports, by look-ups that read no more than those."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.mongo import Database
from records.import_queue import PAGE, PAGES
from records.imports import BULK, INTERACTIVE, WATCHED_AFTER, State, pending
from schemas.events import Options
from services.scheduler.finding import MEMBERS, held, stalled
from tests.databases import made

NOW = datetime(2026, 1, 2, tzinfo=UTC)
AFTER = timedelta(minutes=10)


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


async def put(
    db: Database, user_id: str = "ada", *, age: timedelta = timedelta(hours=1), released: bool = True, **changes: Any
) -> UUID:
    task_id = uuid4()
    record = pending(
        task_id=task_id, user_id=user_id, url=f"https://github.com/ada/{task_id}", integration="github",
        options=Options(), released=released, now=NOW - age,
    )  # fmt: skip
    await db.imports.insert_one(record | {"published": released} | changes)
    return task_id


async def found(db: Database, now: datetime = NOW) -> set[UUID]:
    return {record["_id"] for record in await stalled(db, now, AFTER, 200)}


async def test_an_import_without_progress_is_taken_up_once_in_a_while(db: Database) -> None:
    silent = await put(db)
    assert await found(db) == {silent}
    assert await found(db) == set(), "it was taken up just now"
    assert await found(db, NOW + AFTER) == {silent}


async def test_one_that_moved_waits_for_a_known_time_or_has_ended_is_left_alone(db: Database) -> None:
    moved = await put(db, updated_at=NOW - timedelta(minutes=9))
    waits = await put(db, deferred_until=NOW + timedelta(hours=1))
    await put(db, state=State.COMPLETED, active=False)
    await put(db, published=False)
    await put(db, released=False)
    assert await found(db) == set()
    assert await found(db, NOW + timedelta(minutes=2)) == {moved}
    assert await found(db, NOW + timedelta(minutes=69)) == {moved}
    assert waits in await found(db, NOW + timedelta(minutes=71))


async def test_a_new_one_is_not_looked_at_before_most_have_ended(db: Database) -> None:
    await put(db, age=WATCHED_AFTER / 2)
    assert await db.imports.count_documents({"active": True, "watch_at": {"$lte": NOW}}) == 0


async def test_no_flood_and_no_full_share_hides_a_single_import(db: Database) -> None:
    """More members whose share is full than one round considers come before the one who waits for one import."""
    for number in range(MEMBERS + 5):
        await put(db, f"a-full-{number}", age=timedelta(hours=2), released=True)
        await put(db, f"a-full-{number}", age=timedelta(hours=2), released=False)
    flood = [await put(db, "flood", released=False, priority=BULK) for _ in range(30)]
    single = await put(db, "single", age=timedelta(0), released=False, priority=INTERACTIVE)
    chosen, after = await held(db, 1, 200)
    assert chosen == []
    chosen, after = await held(db, 1, 200, after)
    assert [record["_id"] for record in chosen] == [single, flood[0]]


async def test_all_members_who_wait_have_their_turn(db: Database) -> None:
    waiting = {await put(db, f"member-{number}", released=False) for number in range(2 * MEMBERS + 10)}
    released, after = [], ""
    for _ in range(3):
        chosen, after = await held(db, 1, 200, after)
        released += [record["_id"] for record in chosen]
    assert after == "", "then it begins anew"
    assert len(released) == len(waiting)
    assert {*released} == waiting


async def test_queues_longer_than_what_a_round_reads_hide_no_member(db: Database) -> None:
    record = (await db.imports.find_one({"_id": await put(db, "flood-1", released=False)})) or {}
    copies = [
        {**record, "_id": uuid4(), "user_id": f"flood-{number % 6}", "url": f"https://github.com/ada/{number}"}
        for number in range(6 * (PAGE + 1))
    ]
    await db.imports.insert_many(copies)
    single = await put(db, "single", released=False)
    chosen, after = await held(db, 1, 200)
    assert len(chosen) == PAGES
    assert single in [record["_id"] for record in (await held(db, 1, 200, after))[0]]


async def test_where_few_wait_each_round_considers_all_of_them(db: Database) -> None:
    first, second = [await put(db, user, released=False) for user in ("ada", "bob")]
    for _ in range(3):
        chosen, after = await held(db, 1, 200)
        assert after == ""
        assert [record["_id"] for record in chosen] == [first, second]


async def test_nothing_is_scanned_to_find_them(db: Database) -> None:
    for _ in range(30):
        await put(db, "flood", released=False)
    await put(db, "bob", released=False)
    which = {"active": True, "released": False, "user_id": {"$gt": ""}}
    order = [("user_id", 1), ("priority", 1), ("created_at", 1)]
    plan = await db.imports.find(which, {"_id": 0, "user_id": 1}).sort(order).limit(PAGE).explain()
    assert "FETCH" not in str(plan["queryPlanner"]["winningPlan"])
    assert plan["executionStats"]["totalDocsExamined"] == 0
