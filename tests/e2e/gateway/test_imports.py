"""The gateway over a real MongoDB: what is accepted, who sees what, and how progress is pushed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from integrations.registry import IntegrationRegistry
from services.gateway.imports.batches import Batches
from services.gateway.imports.idempotency import MOST_KEYS
from services.gateway.imports.service import Imports
from services.gateway.imports.submissions import Submissions
from services.gateway.sources.service import Sources
from services.gateway.tasks.open_streams import OpenStreams
from services.gateway.tasks.stream import StatusStream
from services.gateway.web.provided import find, provide
from tests.e2e.gateway.conftest import IMPORT, REPO, World
from tests.unit.gateway.support import absent_database, bearer, client_of, gateway_app, settings

SETTINGS = {"imports_in_flight_per_user": 3}


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
    assert [answer.json()["action"] for answer in wrong] == ["import_link", "import_link", "check_url"]


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
        "status": "completed", "project_id": str(project_id), "project_slug": "hello-world",
        "url": "/ada/hello-world",
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


async def test_only_the_link_where_a_project_stands_now_is_a_duplicate(world: World) -> None:
    ada, renamed = await world.client(), f"{REPO}-2"
    before = [{"url": REPO, "until": datetime.now(UTC)}]
    await world.save_project("user-ada", renamed, external_id="77", former_links=before)
    assert (await ada.post(IMPORT, json={"url": renamed})).json()["project_url"] == "/ada/hello-world-2"
    assert await world.accept(ada), "its former link may be another's by now, which only its import finds out"


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


@pytest.mark.parametrize("first", [{}, {"Idempotency-Key": "first"}])
async def test_a_key_that_joined_an_import_under_way_is_remembered_too(world: World, first: dict[str, str]) -> None:
    ada, key = await world.client(), {"Idempotency-Key": "second"}
    task_id = await world.accept(ada, **first)
    assert {*(await asyncio.gather(*(world.accept(ada, **key) for _ in range(5))))} == {task_id}
    for changes in ({"url": REPO + "-2"}, {"url": REPO, "is_private": True}):
        answer = await ada.post(IMPORT, json=changes, headers=key)
        assert (answer.status_code, answer.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    answer = await ada.post("/api/v1/github/import/", json={"urls": [REPO]}, headers=key)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    await world.fail(task_id)
    assert await world.accept(ada, **key) == task_id, "it starts no second import"
    await world.complete(task_id)
    for sent in (first, key):
        again = await ada.post(IMPORT, json={"url": REPO}, headers=sent)
        assert (again.status_code, again.json().get("task_id")) == ((202, task_id) if sent else (409, None))
    assert await world.db["imports"].count_documents({}) == len(world.broker.events) == 1


async def test_a_key_that_joins_one_import_and_begins_another_at_once_does_one_of_both(world: World) -> None:
    ada = await world.client()
    running = await world.accept(ada)
    for number in range(5):
        key, fresh = {"Idempotency-Key": f"k-{number}"}, f"{REPO}-{number}"
        sent = [ada.post(IMPORT, json={"url": url}, headers=key) for url in (REPO, fresh) * 3]
        answers = await asyncio.gather(*sent)
        assert sorted(answer.status_code for answer in answers) == [202] * 3 + [422] * 3
        (told,) = {answer.json()["task_id"] for answer in answers if answer.status_code == 202}
        begun = await world.db["imports"].count_documents({"url": fresh})
        assert begun == (told != running)


async def test_who_joins_again_and_again_makes_no_record_grow_without_end(world: World) -> None:
    ada = await world.client()
    task_id = await world.accept(ada, **{"Idempotency-Key": "first"})
    for number in range(MOST_KEYS + 5):
        assert await world.accept(ada, **{"Idempotency-Key": f"k-{number}"}) == task_id
    record = await world.db["imports"].find_one({})
    assert record
    assert len(record["keys"]) == MOST_KEYS
    await world.fail(task_id)
    assert await world.accept(ada, **{"Idempotency-Key": f"k-{MOST_KEYS + 4}"}) == task_id, "the latest are kept"


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

    app = gateway_app(settings(publish_timeout=timedelta(milliseconds=20)), world.db, never)
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
    assert answer.headers["ratelimit"].startswith('"repositories";r=9;')
    assert answer.headers["ratelimit-policy"] == '"repositories";q=10;w=3600'
    assert answer.json()["project"]["url"] == "/ada/hello-world"
    assert answer.json()["project"]["content"]["blocks"] == [
        {"type": "text", "content": "# Hello", "format": "markdown", "html": None}
    ]

    answer, _ = await asyncio.gather(ada.post(IMPORT, json={"url": REPO + "-2"}, headers=wait), finish(world.fail))
    assert (answer.status_code, answer.json()["error_code"]) == (404, "CONTENT_NOT_FOUND")
    assert answer.json()["success"] is False
    assert answer.headers["ratelimit"].startswith('"repositories";r=8;')

    assert (await ada.post(IMPORT, json={"url": REPO + "-3"}, headers={"Prefer": "wait=1"})).status_code == 202


async def test_a_wait_that_fails_takes_nothing_back(world: World) -> None:
    nowhere = absent_database()
    app = world.app
    waiting = Submissions(
        find(app, IntegrationRegistry),
        find(app, Imports),
        find(app, Batches),
        find(app, Sources),
        StatusStream(nowhere),
        find(app, OpenStreams),
    )
    provide(app, {Submissions: waiting})
    ada = await world.client()
    answer = await ada.post(IMPORT, json={"url": REPO}, headers={"Prefer": "wait=30"})
    await nowhere.client.close()
    assert answer.status_code == 202
    assert await world.db["imports"].count_documents({}) == 1
