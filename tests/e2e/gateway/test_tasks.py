"""The list of a member's tasks: theirs only, newest first, by state, page by page, and never read as a whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from kit.errors import ContentNotFoundError
from kit.mongo import Database
from records import batches
from records.imports import State, pending
from records.task_lists import newest_tasks
from schemas.events import Options
from tests.e2e.gateway.conftest import REPO, World

TASKS = "/api/v1/integrations/tasks/"
URL = "https://youtube.com/channel/UCabcdefghijklmnopqrstuv"


async def listed(client: httpx2.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(TASKS, params=query)
    assert answer.status_code == 200, answer.text
    tasks: list[dict[str, Any]] = answer.json()["tasks"]
    return tasks


async def listing(world: World, state: State = State.PROCESSING, user_id: str = "user-ada") -> UUID:
    """A channel that is being listed, or was."""
    task_id, now = uuid4(), datetime.now(UTC)
    record = batches.listing(task_id=task_id, user_id=user_id, integration="youtube", url=URL, now=now)
    await world.db["batches"].insert_one(dict(record))
    if state is State.FAILED:
        await batches.failed(world.db, task_id, ContentNotFoundError("No such channel.").body(), now)
    elif state is State.COMPLETED:
        await batches.listed(world.db, task_id, [], [], now)
    return task_id


async def test_a_member_finds_their_tasks_newest_first_each_as_its_own_address_tells_it(world: World) -> None:
    ada, bob = await world.client(), await world.client("bob")
    ids = [await world.accept(ada, f"{REPO}-{number}") for number in range(4)]
    await world.accept(bob, f"{REPO}-5")
    await world.complete(ids[0])
    await world.fail(ids[1])
    await world.move(ids[2], state="processing", stage="fetcher", progress=2)
    tasks = await listed(ada)
    assert [one["task_id"] for one in tasks] == ids[::-1]
    assert [one["status"] for one in tasks] == ["pending", "processing", "failed", "completed"]
    for one in tasks:
        assert one == (await ada.get(f"{TASKS}{one['task_id']}/")).json()
    assert {one["url"] for one in await listed(bob)} == {f"{REPO}-5"}


async def test_they_are_narrowed_down_by_status(world: World) -> None:
    ada = await world.client()
    done, failed, waiting = [await world.accept(ada, f"{REPO}-{number}") for number in range(3)]
    await world.complete(done)
    await world.fail(failed)
    for status, expected in (("completed", [done]), ("failed", [failed]), ("pending", [waiting]), ("processing", [])):
        assert [one["task_id"] for one in await listed(ada, status=status)] == expected, status
    (one,) = await listed(ada, status="failed")
    assert {"error", "error_code", "action", "suggestion"} <= one.keys()


async def test_a_channel_is_among_them_until_its_videos_are(world: World) -> None:
    ada = await world.client()
    reading, failed = await listing(world), await listing(world, State.FAILED)
    await listing(world, State.COMPLETED)
    await listing(world, State.FAILED, "user-bob")
    video = await world.accept(ada)
    tasks = await listed(ada)
    assert [(one["task_id"], one["kind"], one["status"]) for one in tasks] == [
        (video, "import", "pending"), (str(failed), "batch", "failed"), (str(reading), "batch", "processing"),
    ]  # fmt: skip
    assert tasks[1] == (await ada.get(f"{TASKS}{failed}/")).json()
    assert [one["task_id"] for one in await listed(ada, status="failed")] == [str(failed)]
    assert await listed(ada, status="completed") == []


async def test_pages_follow_one_another_with_their_status_and_miss_nothing(world: World) -> None:
    ada, moment = await world.client(), datetime(2026, 3, 14, tzinfo=UTC)
    records = [
        pending(task_id=uuid4(), user_id="user-ada", url=f"{REPO}-{number}", integration="github", options=Options(),
                released=True, now=moment + timedelta(seconds=number // 3))
        for number in range(10)
    ]  # fmt: skip
    await world.db["imports"].insert_many(map(dict, records))  # three at the same moment each
    channel = await listing(world)
    await world.db["batches"].update_one({"_id": channel}, {"$set": {"created_at": moment + timedelta(seconds=1)}})
    for status, total in ((None, 11), ("pending", 10)):
        path, seen = f"{TASKS}?limit=2{f'&status={status}' if status else ''}", []
        while path:
            answer = await ada.get(path)
            assert (answer.json()["next_cursor"] is None) == ("next" not in answer.links)
            seen += [one["task_id"] for one in answer.json()["tasks"]]
            path = answer.links["next"]["url"] if "next" in answer.links else ""
        assert len(seen) == len(set(seen)) == total
    assert (await ada.get(f"{TASKS}?cursor=forged")).status_code == 422
    assert (await ada.get(f"{TASKS}?status=lost")).status_code == 422
    assert (await ada.get(f"{TASKS}?limit=101")).status_code == 422


@asynccontextmanager
async def profiled(db: Database) -> AsyncIterator[list[dict[str, Any]]]:
    """What MongoDB did meanwhile, once it is over."""
    done: list[dict[str, Any]] = []
    await db.command({"profile": 2})
    try:
        yield done
    finally:
        await db.command({"profile": 0})
        done += await db["system.profile"].find({"op": "query"}).to_list()
        await db.drop_collection("system.profile")


@pytest.mark.parametrize("states", [tuple(State), (State.FAILED,), (State.PENDING,)])
async def test_a_page_reads_what_it_shows_and_not_all_there_is(world: World, states: tuple[State, ...]) -> None:
    """Also from the middle on, where few are in that state, and where most are other members'."""
    moment = datetime(2026, 3, 14, tzinfo=UTC)
    records = [
        pending(task_id=uuid4(), user_id=f"user-{number % 10}", url=f"{REPO}-{number}", integration="github",
                options=Options(), released=True, now=moment + timedelta(seconds=number)) | {"active": False}
        for number in range(5_000)
    ]  # fmt: skip
    for number, record in enumerate(records):
        record["state"] = State.FAILED if number % 150 == 0 else State.COMPLETED if number % 3 else State.PENDING
    await world.db["imports"].insert_many(map(dict, records))
    middle = moment + timedelta(seconds=4_500), uuid4()
    async with profiled(world.db) as done:
        page = await newest_tasks(world.db, "user-0", states=states, before=middle, limit=20)
    assert len(page) == 20
    assert page[0]["created_at"] <= middle[0]
    assert {record["user_id"] for record in page} == {"user-0"}
    assert done
    assert sum(one["docsExamined"] for one in done) <= 2 * 20
    assert not [one["planSummary"] for one in done if one.get("hasSortStage") or "COLLSCAN" in one["planSummary"]]
