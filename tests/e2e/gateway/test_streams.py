"""Progress is pushed as it happens."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2

from services.gateway.tasks.stream import StatusStream
from services.gateway.web.provided import find
from tests.e2e.gateway.conftest import REPO, World
from tests.unit.gateway.support import bearer


class Stream:
    """A client of server-sent events that reads one at a time."""

    def __init__(self, response: httpx2.Response) -> None:
        self._lines = response.aiter_lines()

    async def event(self) -> dict[str, Any] | None:
        """The next event, None at the end of the stream."""
        event: dict[str, Any] = {}
        async for line in self._lines:
            name, _, value = line.partition(":")
            if not line and event:
                return event
            if name:
                event[name] = json.loads(value) if name == "data" else value.strip()
        return None


async def test_a_stream_starts_with_the_current_state_goes_forward_and_ends(world: World, served: str) -> None:
    task_id = await world.accept(await world.client())
    path = f"{served}/api/v1/integrations/tasks/{task_id}/events/"
    async with httpx2.AsyncClient(headers=bearer(), timeout=30) as client:
        async with client.stream("GET", path) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            stream = Stream(response)
            first = await stream.event()
            assert first
            assert (first["event"], first["id"], first["data"]["status"]) == ("status", "1", "pending")
            await world.move(task_id, state="processing", stage="fetcher", progress=2, message="…")
            second = await stream.event()
            assert second
            assert (second["id"], second["data"]["progress"]) == ("2", 35)
            await world.complete(task_id)
            last = await stream.event()
            assert last
            assert (last["id"], last["data"]["result"]["url"]) == ("3", "/ada/hello-world")
            assert await stream.event() is None

        async with client.stream("GET", path, headers={"Last-Event-ID": "2"}) as response:
            resumed = await Stream(response).event()
            assert resumed
            assert resumed["id"] == "3"
        seen_it_all = await client.get(path, headers={"Last-Event-ID": "3"})
        assert seen_it_all.status_code == 204, "an EventSource reconnects until it is told so"


async def test_a_resumed_stream_does_not_repeat_what_was_seen(world: World, served: str) -> None:
    task_id = await world.accept(await world.client())
    path = f"{served}/api/v1/integrations/tasks/{task_id}/events/"
    async with (
        httpx2.AsyncClient(headers={**bearer(), "Last-Event-ID": "1"}, timeout=30) as client,
        client.stream("GET", path) as response,
    ):
        await world.move(task_id, state="processing", stage="fetcher", progress=2, message="…")
        event = await Stream(response).event()
        assert event
        assert event["id"] == "2"


async def test_of_children_that_are_gone_a_parents_stream_tells_the_end(world: World) -> None:
    ada = await world.client()
    gone = [{"url": REPO, "task_id": uuid4()}]
    parent = {"_id": uuid4(), "user_id": "user-ada", "integration": "youtube", "url": REPO, "state": "completed"}
    parent |= {
        "version": 2,
        "children": gone,
        "refused": [],
        "created_at": datetime.now(UTC),
        "updated_at": datetime.now(UTC),
    }
    await world.db["batches"].insert_one(parent)
    address = f"/api/v1/integrations/tasks/{parent['_id']}/"
    async with asyncio.timeout(30):
        streamed = (await ada.get(f"{address}events/")).text
    assert streamed.count("event: status") == 1
    assert '"status":"completed"' in streamed


async def test_who_follows_what_is_gone_is_told_at_once(world: World) -> None:
    stream, gone = find(world.app, StatusStream), [uuid4(), uuid4()]
    async with asyncio.timeout(30):
        assert [records async for records in stream.follow_all(gone)] == [[]]
        assert [record async for record in stream.follow(gone[0])] == []
        assert await stream.outcome(gone[0], 60) is None


async def test_many_followers_share_one_change_stream(world: World) -> None:
    ada = await world.client()
    tasks = [UUID(await world.accept(ada, f"{REPO}-{number}")) for number in range(3)]
    stream = find(world.app, StatusStream)
    waiting = [asyncio.create_task(stream.outcome(task_id, 30)) for task_id in tasks * 10]
    for task_id in tasks:
        await world.fail(str(task_id))
    assert {(record or {}).get("_id") for record in await asyncio.gather(*waiting)} == set(tasks)
    streams = await world.db.client.admin.command({
        "aggregate": 1, "cursor": {},
        "pipeline": [
            {"$currentOp": {"allUsers": True, "idleCursors": True}},
            {"$match": {"ns": f"{world.db.name}.imports", "cursor.tailable": True}},
        ],
    })  # fmt: skip
    assert len(streams["cursor"]["firstBatch"]) <= 1
