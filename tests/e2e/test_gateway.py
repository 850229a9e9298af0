"""The gateway over a real MongoDB: what is accepted, who sees what, and how progress is pushed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from kit.errors import ContentNotFoundError
from kit.mongo import Database, Document, connect, ensure_indexes
from kit.settings import MongoSettings
from schemas.content import SavedProject
from services.gateway.app import create_app
from services.gateway.hub import Hub
from tests.unit.gateway.support import FakeBroker, FakeRegistry, absent_database, bearer, client_of, settings

REPO = "https://github.com/octocat/hello-world"
IMPORT = "/api/v1/integrations/import/"


@dataclass
class World:
    """A gateway, its database, and what the stages behind it would do."""

    db: Database
    broker: FakeBroker
    app: FastAPI
    stack: AsyncExitStack

    async def client(self, name: str = "ada") -> httpx.AsyncClient:
        return await self.stack.enter_async_context(client_of(self.app, **bearer(name)))

    async def accept(self, client: httpx.AsyncClient, url: str = REPO, **headers: str) -> str:
        answer = await client.post(IMPORT, json={"url": url}, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    async def move(self, task_id: str, **changes: Any) -> None:
        """What the projector does when it reads an event."""
        changed = {"$set": {**changes, "updated_at": datetime.now(UTC)}, "$inc": {"version": 1}}
        assert (await self.db["imports"].update_one({"_id": UUID(task_id)}, changed)).matched_count == 1

    async def complete(self, task_id: str) -> UUID:
        """What the writer, the awarder and the projector leave behind."""
        record = await self.db["imports"].find_one({"_id": UUID(task_id)}) or {}
        project = await self.save_project(record["user_id"], record["url"], import_id=record["_id"])
        result = {"project_id": project, "slug": "hello-world", "created": True}
        await self.move(task_id, state="completed", stage="awarder", progress=6, message="Your project is ready",
                        active=False, result=result, points=50)  # fmt: skip
        return project

    async def fail(self, task_id: str) -> None:
        error = ContentNotFoundError("The repository does not exist.").body()
        del error["success"]
        await self.move(task_id, state="failed", stage="fetcher", message=error["error"], active=False, error=error)

    async def save_project(self, user_id: str, url: str, **changes: Any) -> UUID:
        project_id = uuid5(uuid4(), url)
        project = SavedProject.model_validate({
            "id": project_id, "user_id": user_id, "slug": "hello-world", "type": "github_repo", "title": "Hello",
            "description": "Says hello.", "external_url": url, "is_showcase": True, "is_private": False,
            "content": {"blocks": [{"type": "text", "markdown": "# Hello"}]}, "technologies": ["Python"],
            "project_type": "library", "analysis_source": "extractive", "metadata": {"stars": 3},
        })  # fmt: skip
        now = datetime.now(UTC)
        stored: Document = {**project.model_dump(mode="json", exclude={"id"}), "_id": project_id}
        stored |= {"created_by": uuid4(), "created_at": now, "updated_at": now, **changes}
        await self.db["projects"].insert_one(stored)
        return project_id


@pytest.fixture
async def world(mongodb: str, database: str) -> AsyncIterator[World]:
    db = connect(MongoSettings(mongodb_url=SecretStr(mongodb), mongodb_database=database))
    await ensure_indexes(db)
    broker = FakeBroker()
    app = create_app(settings(imports_in_flight_per_user=3), db, broker.publish, FakeRegistry())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield World(db, broker, app, stack)
    await db.client.drop_database(database)
    await db.client.close()


async def test_an_accepted_import_is_stored_then_published_and_can_be_looked_up(world: World) -> None:
    ada = await world.client()
    answer = await ada.post(IMPORT, json={"url": REPO + "/", "is_showcase": False, "is_private": True})
    body = answer.json()
    assert (answer.status_code, body["success"]) == (202, True)
    assert answer.headers["location"] == body["status_url"] == f"/api/v1/integrations/tasks/{body['task_id']}/"

    record = await world.db["imports"].find_one({"_id": UUID(body["task_id"])})
    assert record
    assert (record["user_id"], record["url"], record["integration"]) == ("user-ada", REPO, "github")
    assert record["options"] == {"is_showcase": False, "is_private": True}
    (event,) = world.broker.events
    assert (event.import_id, event.user_id, event.url) == (record["_id"], "user-ada", REPO)
    assert event.options.is_private
    assert event.id == uuid5(record["_id"], "ImportRequested")

    status = (await ada.get(body["status_url"])).json()
    assert (status["status"], status["progress"], status["url"]) == ("pending", 0, REPO)


async def test_each_address_takes_its_own_links(world: World) -> None:
    ada = await world.client()
    video = "https://youtube.com/watch?v=abc"
    assert (await ada.post("/api/v1/github/import/", json={"url": REPO})).status_code == 202
    assert (await ada.post("/api/v1/integrations/youtube/import/", json={"video_url": video})).status_code == 202
    wrong = [
        await ada.post("/api/v1/github/import/", json={"url": video}),
        await ada.post("/api/v1/integrations/youtube/import/", json={"video_url": REPO}),
        await ada.post(IMPORT, json={"url": "https://github.com.evil.test/a/b"}),
    ]
    assert [(answer.status_code, answer.json()["error_code"]) for answer in wrong] == [(400, "INVALID_URL")] * 3


async def test_a_status_shows_every_state(world: World) -> None:
    ada = await world.client()
    task_id, other = await world.accept(ada), await world.accept(ada, REPO + "-2")
    path = f"/api/v1/integrations/tasks/{task_id}/"

    await world.move(task_id, state="processing", stage="fetcher", progress=2, message="Analysing the content")
    processing = (await ada.get(path)).json()
    assert (processing["status"], processing["stage"], processing["progress"]) == ("processing", "fetcher", 35)
    assert processing["message"] == "Analysing the content"

    project_id = await world.complete(task_id)
    completed = (await ada.get(path)).json()
    assert (completed["status"], completed["points"], completed["progress"]) == ("completed", 50, 100)
    assert completed["result"] == {
        "project_id": str(project_id), "project_slug": "hello-world", "url": "/ada/hello-world",
    }  # fmt: skip

    await world.fail(other)
    failed = (await ada.get(f"/api/v1/integrations/tasks/{other}/")).json()
    assert failed["status"] == "failed"
    assert {"error", "error_code", "action", "suggestion"} <= failed.keys()
    assert failed["error_code"] == "CONTENT_NOT_FOUND"


async def test_a_link_under_way_answers_with_the_running_task(world: World) -> None:
    ada = await world.client()
    assert len({*(await asyncio.gather(*(world.accept(ada) for _ in range(10))))}) == 1
    assert await world.db["imports"].count_documents({}) == 1
    assert len(world.broker.events) == 1


async def test_an_imported_link_is_refused_with_its_project(world: World) -> None:
    ada = await world.client()
    project_id = await world.complete(await world.accept(ada))
    answer = await ada.post(IMPORT, json={"url": REPO})
    assert (answer.status_code, answer.json()["error_code"]) == (409, "DUPLICATE_IMPORT")
    assert answer.json()["project_url"] == "/ada/hello-world"
    assert answer.json()["project_id"] == str(project_id)
    assert await world.accept(await world.client("bob")), "the same link is new to somebody else"


async def test_a_failed_import_can_be_tried_again(world: World) -> None:
    ada = await world.client()
    first = await world.accept(ada)
    await world.fail(first)
    assert await world.accept(ada) != first


async def test_an_idempotency_key_names_one_request(world: World) -> None:
    ada = await world.client()
    key = {"Idempotency-Key": '"k-1"'}
    first = await asyncio.gather(*(world.accept(ada, **key) for _ in range(5)))
    assert len(set(first)) == 1
    await world.complete(first[0])
    assert await world.accept(ada, **key) == first[0], "also after the import is done"

    answer = await ada.post(IMPORT, json={"url": REPO, "is_private": True}, headers=key)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await ada.post(IMPORT, json={"url": REPO}, headers={"Idempotency-Key": "k" * 256})).status_code == 422
    bob = await world.client("bob")
    assert await world.accept(bob, **key) != first[0], "keys belong to their user"


async def test_one_key_with_two_bodies_at_once_makes_one_import(world: World) -> None:
    ada = await world.client()
    answers = await asyncio.gather(
        *(ada.post(IMPORT, json={"url": f"{REPO}-{n % 2}"}, headers={"Idempotency-Key": "k"}) for n in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [422] * 3
    assert await world.db["imports"].count_documents({}) == 1


async def test_over_the_members_share_imports_are_stored_and_wait(world: World) -> None:
    ada, bob = await world.client(), await world.client("bob")
    await asyncio.gather(*(world.accept(ada, f"{REPO}-{n}") for n in range(8)))
    released = await world.db["imports"].count_documents({"released": True})
    assert 1 <= released <= 3, "of a burst fewer may pass, never more"
    assert await world.db["imports"].count_documents({"released": False, "state": "pending"}) == 8 - released
    assert len(world.broker.events) == released
    await world.accept(bob)
    assert len(world.broker.events) == released + 1, "another member is not behind them"


@pytest.mark.parametrize("failure", [ConnectionError("no broker"), TimeoutError()])
async def test_without_the_broker_imports_are_accepted_all_the_same(world: World, failure: Exception) -> None:
    world.broker.failure = failure
    ada = await world.client()
    task_id = await world.accept(ada)
    record = await world.db["imports"].find_one({"_id": UUID(task_id)})
    assert record
    assert (record["released"], record["published"]) == (True, False), "what the relay looks for"
    assert (await ada.get("/readyz")).json() == {"mongodb": True, "kafka": False}


async def test_a_slow_broker_delays_nobody_beyond_the_limit(world: World) -> None:
    async def never(_event: Any) -> None:
        await asyncio.Event().wait()

    app = create_app(settings(publish_timeout=timedelta(milliseconds=20)), world.db, never, FakeRegistry())
    async with client_of(app, **bearer()) as ada:
        assert (await ada.post(IMPORT, json={"url": REPO})).status_code == 202


async def test_waiting_answers_with_the_project_the_failure_or_the_task(world: World) -> None:
    ada = await world.client()
    wait = {"Prefer": "respond-async, wait=30"}

    async def finish(end: Any) -> None:
        while not (record := await world.db["imports"].find_one({"active": True})):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await end(str(record["_id"]))

    answer, _ = await asyncio.gather(ada.post(IMPORT, json={"url": REPO}, headers=wait), finish(world.complete))
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=30")
    assert answer.json()["success"] is True
    assert answer.json()["project"]["url"] == "/ada/hello-world"
    assert answer.json()["project"]["content"]["blocks"] == [{"type": "text", "markdown": "# Hello"}]

    answer, _ = await asyncio.gather(ada.post(IMPORT, json={"url": REPO + "-2"}, headers=wait), finish(world.fail))
    assert (answer.status_code, answer.json()["error_code"]) == (404, "CONTENT_NOT_FOUND")
    assert answer.json()["success"] is False

    assert (await ada.post(IMPORT, json={"url": REPO + "-3"}, headers={"Prefer": "wait=1"})).status_code == 202


async def test_a_wait_that_fails_takes_nothing_back(world: World) -> None:
    nowhere = absent_database()
    world.app.state.gateway = replace(world.app.state.gateway, hub=Hub(nowhere))
    ada = await world.client()
    answer = await ada.post(IMPORT, json={"url": REPO}, headers={"Prefer": "wait=30"})
    await nowhere.client.close()
    assert answer.status_code == 202
    assert await world.db["imports"].count_documents({}) == 1


async def test_nobody_sees_anothers_tasks_private_projects_or_points(world: World) -> None:
    ada, bob = await world.client(), await world.client("bob")
    task_id = await world.accept(ada)
    public = await world.complete(task_id)
    private = await world.save_project("user-ada", REPO + "-p", slug="secret", is_private=True, is_showcase=False)
    award = {"user_id": "user-ada", "project_id": public, "points": 50, "reason": "project_created"}
    await world.db["points"].insert_one({**award, "_id": uuid4(), "awarded_at": datetime.now(UTC)})
    await bob.get("/api/v1/points/")

    seen = {}
    for name, client in (("ada", ada), ("bob", bob)):
        projects = (await client.get("/api/v1/ada/projects/")).json()["projects"]
        seen[name] = {
            "task": (await client.get(f"/api/v1/integrations/tasks/{task_id}/")).status_code,
            "events": (await client.get(f"/api/v1/integrations/tasks/{task_id}/events/")).status_code,
            "public": (await client.get(f"/api/v1/projects/{public}/")).status_code,
            "private": (await client.get(f"/api/v1/projects/{private}/")).status_code,
            "list": sorted(project["slug"] for project in projects),
            "points": (await client.get("/api/v1/points/")).json()["total"],
        }
    assert seen == {
        "ada": {"task": 200, "events": 200, "public": 200, "private": 200,
                "list": ["hello-world", "secret"], "points": 50},
        "bob": {"task": 404, "events": 404, "public": 200, "private": 404, "list": ["hello-world"], "points": 0},
    }  # fmt: skip
    assert (await bob.get("/api/v1/projects/not-an-id/")).status_code == 404
    assert (await bob.get("/api/v1/nobody/projects/")).status_code == 404


async def test_project_lists_are_paged_and_filtered(world: World) -> None:
    ada = await world.client()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(5):
        at = start + timedelta(days=number // 2)  # pairs of one moment: the id decides
        await world.save_project(
            "user-ada", f"{REPO}-{number}", slug=f"p{number}", created_at=at, is_showcase=number != 4
        )
    slugs, address = [], "/api/v1/ada/projects/?limit=2"
    while address:
        answer = await ada.get(address)
        slugs += [project["slug"] for project in answer.json()["projects"]]
        address = answer.links["next"]["url"] if "next" in answer.links else ""
    assert len(slugs) == 5
    assert [set(slugs[:1]), set(slugs[1:3]), set(slugs[3:])] == [{"p4"}, {"p2", "p3"}, {"p0", "p1"}]
    assert "content" not in answer.json()["projects"][0]
    shown = (await ada.get("/api/v1/ada/projects/?showcase=false")).json()["projects"]
    assert [project["slug"] for project in shown] == ["p4"]
    assert (await ada.get("/api/v1/ada/projects/?cursor=forged")).status_code == 422


async def test_points_are_the_sum_of_the_ledger_whatever_the_page(world: World) -> None:
    ada = await world.client()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    await world.db["points"].insert_many(
        [
            {"_id": uuid4(), "user_id": "user-ada", "project_id": uuid4(), "points": 50, "reason": "r",
             "awarded_at": at + timedelta(hours=number)}
            for number in range(3)
        ]
    )  # fmt: skip
    first = (await ada.get("/api/v1/points/?limit=2")).json()
    second = (await ada.get(f"/api/v1/points/?limit=2&cursor={first['next_cursor']}")).json()
    assert (first["total"], len(first["entries"]), second["total"], len(second["entries"])) == (150, 2, 150, 1)
    assert second["next_cursor"] is None
    assert (await ada.get("/api/v1/points/?cursor=%00")).status_code == 422


async def test_members_of_one_name_are_told_apart(world: World) -> None:
    async def username(subject: str, wanted: str) -> str:
        return str(await world.app.state.gateway.users.name(subject, wanted))

    names = [await username(f"u{number}", "Ada") for number in range(3)]
    assert names == ["ada", "ada-2", "ada-3"]
    assert await username("u0", "Countess") == "ada", "a name once given stays"
    assert set(await asyncio.gather(*(username("u9", "eve") for _ in range(5)))) == {"eve"}
    assert await username("u10", "integrations") == "integrations-2", "our own addresses are nobody's name"


@pytest.fixture
async def served(world: World) -> AsyncIterator[str]:
    """The same gateway behind a real server, where streaming is real."""
    server = uvicorn.Server(uvicorn.Config(world.app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    world.app.state.gateway.hub.close()
    server.should_exit = True
    await serving


class Stream:
    """A client of server-sent events that reads one at a time."""

    def __init__(self, response: httpx.Response) -> None:
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
    async with httpx.AsyncClient(headers=bearer(), timeout=30) as client:
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
        httpx.AsyncClient(headers={**bearer(), "Last-Event-ID": "1"}, timeout=30) as client,
        client.stream("GET", path) as response,
    ):
        await world.move(task_id, state="processing", stage="fetcher", progress=2, message="…")
        event = await Stream(response).event()
        assert event
        assert event["id"] == "2"


async def test_many_followers_share_one_change_stream(world: World) -> None:
    ada = await world.client()
    tasks = [UUID(await world.accept(ada, f"{REPO}-{number}")) for number in range(3)]
    hub = world.app.state.gateway.hub
    waiting = [asyncio.create_task(hub.outcome(task_id, 30)) for task_id in tasks * 10]
    for task_id in tasks:
        await world.fail(str(task_id))
    assert {record["_id"] for record in await asyncio.gather(*waiting)} == set(tasks)
    streams = await world.db.client.admin.command({
        "aggregate": 1, "cursor": {},
        "pipeline": [
            {"$currentOp": {"allUsers": True, "idleCursors": True}},
            {"$match": {"ns": f"{world.db.name}.imports", "cursor.tailable": True}},
        ],
    })  # fmt: skip
    assert len(streams["cursor"]["firstBatch"]) <= 1
