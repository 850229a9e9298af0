"""Public pages without a token: what they show, what they keep back, and how many of them one may read."""

from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI

from kit.mongo import Database
from services.gateway.auth import sessions
from services.gateway.members.service import Users
from services.writer.store import ProjectStore
from tests.e2e.members.browser import browser, session_of
from tests.e2e.projects.drafts import draft, source_synced
from tests.unit.gateway.support import FakeBroker, bearer, client_of, gateway_app, settings

EXPLORE, AGENTS = "/api/v1/explore/", "/api/v1/agents/"
PAGES = (EXPLORE, AGENTS, "/api/v1/ada/projects/", "/api/v1/users/ada/")
HIDDEN: dict[str, dict[str, Any]] = {
    "hers": {"is_private": True},
    "upstreams": {"source_private": True},
}


@pytest.fixture
async def stored(db: Database) -> dict[str, UUID]:
    """Ada's projects by title: one for everybody, one that her page does not show, and those that only she sees."""
    store, kept = ProjectStore(db), {}
    await Users(db).name("user-ada", "ada")
    shapes: dict[str, dict[str, Any]] = {"open": {}, "unlisted": {"is_showcase": False}, **HIDDEN, "vanished": {}}
    for title, shape in shapes.items():
        event = draft(1, f"https://github.com/ada/{title}", title=title, **shape)
        kept[title] = (await store.save(event.model_copy(update={"user_id": "user-ada"}))).id
    vanished = source_synced(2, "private", "https://github.com/ada/vanished")
    await store.apply_statuses(vanished.model_copy(update={"user_id": "user-ada"}))
    made, _ = await Users(db).create_agent("https://youtube.com/channel/UC1", "Tide Tables", task_id=uuid4())
    assert made["username"] == "tide-tables"
    return kept


def titles(answer: httpx2.Response) -> list[str]:
    return [project["title"] for project in answer.json()["projects"]]


async def test_everybody_reads_what_is_public_and_nothing_else(app: FastAPI, stored: dict[str, UUID]) -> None:
    async with client_of(app) as anybody:
        explore, agents, projects, profile = [await anybody.get(page) for page in PAGES]
        ids = {title: await anybody.get(f"/api/v1/projects/{project_id}/") for title, project_id in stored.items()}
    assert [answer.status_code for answer in (explore, agents, projects, profile)] == [200] * 4
    assert (titles(explore), titles(profile), titles(projects)) == (["open"], ["open"], ["unlisted", "open"])
    assert [agent["username"] for agent in agents.json()["agents"]] == ["tide-tables"]
    assert {title: answer.status_code for title, answer in ids.items()} == {
        "open": 200, "unlisted": 200, "hers": 404, "upstreams": 404, "vanished": 404,
    }  # fmt: skip
    assert not {"id", "identities", "roles"} & profile.json().keys()


async def test_everybody_reads_the_same_as_another_member(app: FastAPI, stored: dict[str, UUID]) -> None:
    paths = [*PAGES, *(f"/api/v1/projects/{project_id}/" for project_id in stored.values())]
    async with client_of(app) as anybody, client_of(app, **bearer("bob")) as bob:
        for path in paths:
            assert (await anybody.get(path)).json() == (await bob.get(path)).json(), path


async def test_what_its_owner_edited_is_told_only_to_them(app: FastAPI, stored: dict[str, UUID]) -> None:
    path = f"/api/v1/projects/{stored['open']}/"
    async with client_of(app) as anybody, client_of(app, **bearer("ada")) as ada:
        assert (await ada.patch(path, json={"title": "Renamed"})).status_code == 200
        seen, own = (await anybody.get(path)).json(), (await ada.get(path)).json()
    assert (seen["title"], own["title"], own["edited"]) == ("Renamed", "Renamed", ["title"])
    assert (seen["edited"], seen["upstream_changes"]) == ([], None)
    assert own["upstream_changes"]["title"] == "open"


async def test_pages_follow_one_another_without_a_token(app: FastAPI, stored: dict[str, UUID]) -> None:
    async with client_of(app) as anybody:
        first = await anybody.get("/api/v1/ada/projects/?limit=1")
        second = await anybody.get(first.links["next"]["url"])
    assert (titles(first), titles(second), second.links) == (["unlisted"], ["open"], {})


async def test_a_bad_token_is_refused_and_an_ended_session_is_nobodys(app: FastAPI, stored: dict[str, UUID]) -> None:
    async with browser(app) as window:
        window.cookies.set(sessions.COOKIE, "A" * 43)
        assert titles(await window.get("/api/v1/ada/projects/")) == ["unlisted", "open"]
        window.cookies.set(sessions.COOKIE, await session_of(app, "user-ada"))
        assert len(titles(await window.get("/api/v1/ada/projects/"))) == len(stored), "her own, by her cookie"
        for page in PAGES:
            answer = await window.get(page, headers={"Authorization": "Bearer made-up"})
            assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHORIZED"), page


async def test_an_address_and_a_member_read_so_many_pages_a_minute_and_no_more(db: Database) -> None:
    app = gateway_app(settings(limit_reads=3), db, FakeBroker().publish)
    async with client_of(app) as anybody, client_of(app, **bearer("bob")) as bob:
        for client in (anybody, bob):
            assert [(await client.get(EXPLORE)).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        refused = await anybody.get(f"/api/v1/projects/{uuid4()}/")
        assert (await bob.get("/api/v1/me/")).status_code == 200, "only public pages count"
    body = refused.json()
    assert (refused.status_code, body["error_code"], body["action"]) == (429, "RATE_LIMIT", "wait")
    assert body["retry_at"]
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"reads";q=3;w=60'


async def test_visitors_behind_a_trusted_proxy_count_each_for_themselves(db: Database) -> None:
    given = settings(limit_reads=1, trusted_proxies="127.0.0.1")
    app = gateway_app(given, db, FakeBroker().publish)
    async with client_of(app) as proxy:
        for visitor in ("192.0.2.1", "192.0.2.2"):
            heard = {"X-Forwarded-For": f"198.51.100.9, {visitor}"}
            assert [(await proxy.get(EXPLORE, headers=heard)).status_code for _ in range(2)] == [200, 429]
