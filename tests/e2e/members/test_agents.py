"""Operators make agents, and nobody else does; making one twice is making it once. The channels are the sandbox's."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI

from kit.errors import ContentNotFoundError
from kit.mongo import Database
from records.imports import State, pending
from records.sources.record import Reason, request_sync
from records.sources.transitions import due
from schemas.events import Options
from services.writer.store import ProjectStore
from tests.e2e.members.browser import browser, session_of
from tests.e2e.projects.drafts import draft, hour
from tests.unit.gateway.support import bearer, client_of

AGENTS = "/api/v1/agents/"
NEW = {
    "channel_url": "https://www.youtube.com/@loadchannel7",
    "name": "Tide Tables",
    "avatar_url": "https://example.org/tides.png",
    "links": [{"title": "GitHub", "url": "https://github.com/tides"}],
}


@pytest.fixture
async def operator(with_providers: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(with_providers, **bearer("olive", roles=["operator"])) as client:
        yield client


async def create(operator: httpx2.AsyncClient, status: int = 201, **changes: Any) -> dict[str, Any]:
    answer = await operator.post(AGENTS, json=NEW | changes)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def after_sync(operator: httpx2.AsyncClient, db: Database) -> str:
    """The id of an agent whose first sync has ended."""
    await create(operator)
    tomorrow = due(datetime.now(UTC) + timedelta(days=1), Reason.INTERVAL)
    await db["sources"].update_one({}, {"$set": {**tomorrow, "task_id": None}})
    await db["batches"].update_one({}, {"$set": {"state": State.COMPLETED}})
    return str(((await db["users"].find_one({"kind": "agent"})) or {})["_id"])


async def refused(operator: httpx2.AsyncClient) -> None:
    answer = await operator.delete(f"{AGENTS}tide-tables/")
    assert (answer.status_code, answer.json()["error_code"]) == (409, "CONFLICT"), answer.text


async def test_an_agent_is_a_member_that_follows_its_channel_from_now_on(
    operator: httpx2.AsyncClient, with_providers: FastAPI, db: Database
) -> None:
    created = (await create(operator))["agent"]
    source = await db["sources"].find_one({}) or {}
    agent = await db["users"].find_one({"kind": "agent"}) or {}
    assert (source["user_id"], source["sync_frequency"], source["sync_enabled"]) == (agent["_id"], "daily", True)
    assert (source["next_reason"], source["max_items"]) == ("new", 50)
    assert source["options"] == {"is_showcase": True, "is_private": False}
    assert created["source"]["display_name"] == "Load Channel 7"
    assert created["task"]["status"] == "processing"
    async with client_of(with_providers, **bearer("bob")) as bob:
        (listed,) = (await bob.get(AGENTS)).json()["agents"]
        page = (await bob.get(listed["profile_url"])).json()
    assert "task" not in listed
    for shown in (listed, page):
        assert (shown["username"], shown["display_name"], shown["kind"]) == ("tide-tables", "Tide Tables", "agent")
        assert (shown["avatar_url"], shown["links"]) == (NEW["avatar_url"], NEW["links"])


async def test_making_one_twice_changes_nothing(operator: httpx2.AsyncClient, db: Database) -> None:
    answers = await asyncio.gather(*(operator.post(AGENTS, json=NEW) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    await db["sources"].update_one({}, {"$set": {"last_synced_at": datetime.now(UTC), "task_id": None}})
    await db["batches"].update_one({}, {"$set": {"state": State.COMPLETED}})
    before = [await db[name].find().to_list() for name in ("users", "sources", "batches")]
    again = await create(operator, 200, name="Another name", avatar_url=None)
    assert (again["created"], again["agent"]["username"]) == (False, "tide-tables")
    assert [await db[name].find().to_list() for name in ("users", "sources", "batches")] == before
    assert [await db[name].count_documents({}) for name in ("sources", "batches")] == [1, 1]


async def test_what_was_cut_off_is_completed(operator: httpx2.AsyncClient, db: Database) -> None:
    await create(operator)
    for name in ("sources", "batches"):
        await db[name].delete_many({})
    assert (await create(operator, 200))["agent"]["source"]["sync_enabled"]
    assert await db["sources"].count_documents({}) == 1


async def test_a_first_import_that_came_to_nothing_is_asked_for_again(
    operator: httpx2.AsyncClient, db: Database
) -> None:
    first = (await create(operator))["agent"]["task"]
    await db["batches"].update_one({}, {"$set": {"state": State.FAILED, "error": {"error": "Nothing."}}})
    again = (await create(operator, 200))["agent"]["task"]
    assert again["task_id"] != first["task_id"]
    assert again["status"] == "processing"


async def test_a_name_that_is_taken_gets_a_number(operator: httpx2.AsyncClient) -> None:
    names = ["Tide Tables", "Tide Tables", "Agents"]
    made = [
        await create(operator, name=name, channel_url=f"https://youtube.com/@loadchannel{number}")
        for number, name in enumerate(names)
    ]
    assert [one["agent"]["username"] for one in made] == ["tide-tables", "tide-tables-2", "agents-2"]
    page = (await operator.get(f"{AGENTS}?limit=2")).json()
    rest = (await operator.get(f"{AGENTS}?limit=2&cursor={page['next_cursor']}")).json()
    assert [one["username"] for one in (*page["agents"], *rest["agents"])] == [
        "agents-2",
        "tide-tables-2",
        "tide-tables",
    ]
    assert rest["next_cursor"] is None


async def test_an_agent_is_changed_paused_and_goes_on(operator: httpx2.AsyncClient, db: Database) -> None:
    await create(operator)
    one = f"{AGENTS}tide-tables/"
    paused = (await operator.patch(one, json={"paused": True, "display_name": "Tides"})).json()
    assert (paused["source"]["sync_enabled"], paused["display_name"], paused["username"]) == (
        False,
        "Tides",
        "tide-tables",
    )
    assert (await operator.patch(one, json={"paused": False})).json()["source"]["sync_enabled"] is True
    assert (await operator.get(one)).json()["display_name"] == "Tides"
    assert (await operator.patch(one, json={"paused": None})).status_code == 422


async def test_it_is_removed_with_all_that_it_gathered(
    operator: httpx2.AsyncClient, db: Database, with_providers: FastAPI
) -> None:
    agent_id = await after_sync(operator, db)
    for owner in (agent_id, "user-ada"):
        await ProjectStore(db).save(draft(1).model_copy(update={"user_id": owner}), hour(1))
        await db["points"].insert_one({"user_id": owner, "project_id": owner, "reason": "import", "points": 50})
    assert (await operator.delete(f"{AGENTS}tide-tables/")).status_code == 204
    for name in ("projects", "points"):
        assert [one["user_id"] async for one in db[name].find()] == ["user-ada"]
    assert [await db[name].count_documents({}) for name in ("sources", "batches")] == [0, 0]
    for gone in (operator.get(f"{AGENTS}tide-tables/"), operator.delete(f"{AGENTS}tide-tables/")):
        assert (await gone).status_code == 404
    with pytest.raises(ContentNotFoundError):  # however late one of its events comes
        await ProjectStore(db).save(draft(1).model_copy(update={"user_id": agent_id}), hour(1))
    assert (await create(operator))["created"]


async def test_it_is_not_removed_while_something_may_still_come_of_its_channel(
    operator: httpx2.AsyncClient, db: Database
) -> None:
    agent_id = await after_sync(operator, db)
    now = datetime.now(UTC)
    video = pending(task_id=uuid4(), user_id=agent_id, url="https://youtube.com/watch?v=video000001",
                    integration="youtube", options=Options(), released=True, now=now)  # fmt: skip

    await request_sync(db, {}, Reason.PUSH, now)
    await refused(operator)
    await db["sources"].update_one({}, {"$set": {"emit_at": now + timedelta(days=1)}})  # it has been emitted
    await refused(operator)
    assert (await operator.patch(f"{AGENTS}tide-tables/", json={"paused": True})).status_code == 200
    await refused(operator)
    assert (await operator.patch(f"{AGENTS}tide-tables/", json={"paused": False})).status_code == 200
    await db["sources"].update_one({}, {"$set": due(now + timedelta(days=1), Reason.INTERVAL)})

    await db["imports"].insert_one(dict(video))
    await refused(operator)
    assert ((await db["sources"].find_one({})) or {})["sync_enabled"], "what is refused changes nothing"
    await db["imports"].update_one({}, {"$set": {"state": State.COMPLETED, "active": False}})
    assert (await operator.delete(f"{AGENTS}tide-tables/")).status_code == 204
    assert await db["imports"].count_documents({}) == 0


async def test_people_are_no_agents(operator: httpx2.AsyncClient) -> None:
    assert (await operator.get("/api/v1/me/")).status_code == 200
    for request in (operator.get, operator.delete):
        assert (await request(f"{AGENTS}olive/")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"channel_url": NEW["channel_url"]},
        NEW | {"name": ""},
        NEW | {"name": "a\u202eb"},
        NEW | {"avatar_url": "javascript:alert(1)"},
        NEW | {"links": [{"title": "x", "url": "http://example.org/"}]},
        NEW | {"links": [{"title": "x", "url": "https://example.org/"}] * 11},
        NEW | {"roles": ["operator"]},
    ],
)
async def test_what_is_not_fit_is_refused(operator: httpx2.AsyncClient, db: Database, body: dict[str, Any]) -> None:
    answer = await operator.post(AGENTS, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "INVALID_REQUEST")
    assert await db["users"].count_documents({"kind": "agent"}) == 0


@pytest.mark.parametrize(
    ("link", "status"),
    [
        ("https://github.com/a/b", 400),
        ("https://youtube.com/@nobody-has-this", 404),
        ("https://youtube.com/channel/UCmistypedMistypedMist01", 404),
    ],
)
async def test_what_is_no_channel_makes_no_agent(
    operator: httpx2.AsyncClient, db: Database, link: str, status: int
) -> None:
    await create(operator, status, channel_url=link)
    assert await db["users"].count_documents({"kind": "agent"}) == 0


async def test_only_operators_make_agents(with_providers: FastAPI, db: Database) -> None:
    claims: list[Any] = [["admin"], "operator", [["operator"]], {"operator": True}, [1, None], None]
    for roles in claims:
        async with client_of(with_providers, **bearer("bob", roles=roles)) as bob:
            answer = await bob.post(AGENTS, json=NEW)
            assert (answer.status_code, answer.json()["error_code"]) == (403, "FORBIDDEN"), roles
    await db["users"].update_one({"_id": "user-bob"}, {"$set": {"roles": ["operator"]}})
    async with client_of(with_providers, **bearer("bob")) as bob:
        assert (await bob.get(f"{AGENTS}nobody/")).status_code == 404, "by their record"
        token = (await bob.post("/api/v1/tokens/", json={"name": "Script"})).json()["token"]
    async with client_of(with_providers, Authorization=f"Bearer {token}") as script:
        assert (await script.post(AGENTS, json=NEW)).status_code == 403, "an API token that leaks makes no agents"
    async with browser(with_providers) as window:
        window.cookies.set("__Host-session", await session_of(with_providers, "user-bob"))
        assert (await window.get(f"{AGENTS}nobody/")).status_code in (401, 404)
