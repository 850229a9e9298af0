"""Two members, somebody without a token, and every route: nobody sees, changes or removes what is another's, or can
tell that it exists.

A new route fails here until it has a line that says whose it is.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from kit.errors import ContentNotFoundError
from kit.mongo import Database
from schemas.content import Project
from services.gateway.auth import sessions
from tests.e2e.members.browser import browser, decided, session_of
from tests.unit.gateway.support import bearer

MARK = "secret-of-ada"
HERS = (MARK, "mira-example")  # in all that only she may see; the second is her account at GitHub
REPO = f"https://github.com/octocat/{MARK}"

Belongings = dict[str, list[str]]  # what Ada has, by the names that stand in paths


@dataclass(frozen=True)
class Line:
    """What a route answers: to Ada about what is hers, and to Bob and to nobody about the same. All send `body`."""

    ada: int
    bob: int
    body: dict[str, Any] | None = None
    nobody: int = 401


def own(status: int = 200, **body: Any) -> Line:
    """It knows the caller only: Bob is served too, with what is his."""
    return Line(status, status, body or None)


def public() -> Line:
    """A page for everybody: with what all may see, and no more."""
    return Line(200, 200, nobody=200)


READ, REMOVE = Line(200, 404), Line(204, 404)
LINES = {
    "GET /api/v1/integrations/": own(),
    "POST /api/v1/integrations/import/": own(202, url="https://github.com/octocat/one"),
    "POST /api/v1/github/import/": own(202, urls=["https://github.com/octocat/two"]),
    "POST /api/v1/integrations/youtube/import/": own(202, video_url="https://youtube.com/three"),
    "POST /api/v1/integrations/youtube/import-channel/": own(202, channel_id="UCabcdefghijklmnopqrstuv"),
    "GET /api/v1/integrations/tasks/": own(),
    "GET /api/v1/integrations/tasks/{task_id}/": READ,
    "GET /api/v1/integrations/tasks/{task_id}/events/": READ,
    "GET /api/v1/integrations/sources/": own(),
    "POST /api/v1/integrations/sources/": own(201, url="https://github.com/octocat/four"),
    "GET /api/v1/integrations/sources/{source_id}/": READ,
    "PATCH /api/v1/integrations/sources/{source_id}/": Line(200, 404, {"sync_frequency": "daily"}),
    "DELETE /api/v1/integrations/sources/{source_id}/": REMOVE,
    "POST /api/v1/integrations/sources/{source_id}/sync/": Line(202, 404),
    "GET /api/v1/integrations/sources/{source_id}/history/": READ,
    "GET /api/v1/projects/{project_id}/": Line(200, 404, nobody=404),
    "PATCH /api/v1/projects/{project_id}/": Line(200, 404, {"is_showcase": False}),
    "DELETE /api/v1/projects/{project_id}/": REMOVE,
    "GET /api/v1/{username}/projects/": public(),
    "GET /api/v1/explore/": public(),
    "GET /api/v1/users/{username}/": public(),
    "GET /api/v1/agents/": public(),
    "POST /api/v1/agents/": own(403, channel_url="https://youtube.com/@somebody", name="Somebody"),
    "GET /api/v1/agents/{username}/": own(403),
    "PATCH /api/v1/agents/{username}/": own(403, paused=True),
    "DELETE /api/v1/agents/{username}/": own(403),
    "GET /api/v1/points/": own(),
    "GET /api/v1/me/": own(),
    "PATCH /api/v1/me/": own(display_name="Somebody"),
    "GET /api/v1/tokens/": own(),
    "POST /api/v1/tokens/": own(201, name="One more"),
    "DELETE /api/v1/tokens/{token_id}/": REMOVE,
    "GET /api/v1/connections/": own(),
    "GET /api/v1/connections/{provider}/start/": own(302),
    "DELETE /api/v1/connections/{provider}/": REMOVE,
    "GET /api/v1/github/repos/": Line(200, 424),
    "GET /api/v1/notices/": own(),
}
NOBODYS = {  # who asks plays no part; what these refuse has tests of its own
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
    "GET /auth/{provider}/start/",
    "GET /auth/{provider}/callback/",
    "POST /auth/sign-out/",
    "GET /api/v1/connections/{provider}/callback/",
    "GET /webhooks/websub/{token}/",
    "POST /webhooks/websub/{token}/",
    "POST /webhooks/{provider}/",
}


@pytest.fixture
async def app(with_providers: FastAPI) -> AsyncIterator[FastAPI]:
    async with with_providers.router.lifespan_context(with_providers):  # streams are fed
        yield with_providers


@pytest.fixture
async def hers(app: FastAPI, db: Database) -> Belongings:
    """One of each thing that there is."""
    async with browser(app, **bearer("ada")) as ada:
        task = (await ada.post("/api/v1/integrations/import/", json={"url": REPO})).json()["task_id"]
        batch = (await ada.post("/api/v1/github/import/", json={"urls": [f"{REPO}-2"]})).json()["task_id"]
        token = (await ada.post("/api/v1/tokens/", json={"name": MARK})).json()["id"]
        source = (await ada.post("/api/v1/integrations/sources/", json={"url": REPO})).json()["id"]
        consent = (await ada.get("/api/v1/connections/github/start/")).headers["location"]
        assert (await ada.get(await decided(consent))).status_code == 200
    error = ContentNotFoundError("It is not there.").body()
    ended = {"state": "failed", "stage": "fetcher", "active": False, "error": error, "version": 2}
    await db["imports"].update_many({}, {"$set": ended})
    project = await private_project(db)
    award = {
        "user_id": "user-ada",
        "project_id": project,
        "points": 50,
        "reason": MARK,
        "awarded_at": datetime.now(UTC),
    }
    await db["points"].insert_one({**award, "_id": uuid4()})
    notice = {"user_id": "user-ada", "kind": "reauth_required", "text": MARK, "action": "connect_github"}
    await db["notices"].insert_one({**notice, "created_at": datetime.now(UTC)})
    return {
        "task_id": [task, batch], "project_id": [str(project)], "token_id": [token], "source_id": [source],
        "username": ["ada"], "provider": ["github"],
    }  # fmt: skip


async def private_project(db: Database) -> UUID:
    project_id, now = uuid4(), datetime.now(UTC)
    project = Project.model_validate({
        "type": "github_repo", "title": MARK, "description": MARK, "external_url": REPO, "is_showcase": True,
        "is_private": True, "content": {"blocks": []}, "project_type": "library", "analysis_source": "extractive",
    })  # fmt: skip
    stored = {**project.model_dump(mode="json"), "_id": project_id, "user_id": "user-ada", "url": REPO, "slug": MARK}
    await db["projects"].insert_one({**stored, "created_at": now, "updated_at": now})
    return project_id


def routes_of(routes: Iterable[BaseRoute]) -> Iterator[str]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield from (f"{method} {route.path}" for method in route.methods or ())
        elif included := getattr(route, "original_router", None):
            yield from routes_of(included.routes)
        else:
            assert getattr(route, "path", "") == "/openapi.json", route


def requests(hers: Belongings) -> Iterator[tuple[str, str, Line]]:
    """Every line with every thing of hers that fits it; what removes comes last."""
    for route, line in sorted(LINES.items(), key=lambda item: item[0].startswith("DELETE")):
        method, _, path = route.partition(" ")
        names = [name for name in hers if f"{{{name}}}" in path]
        for values in product(*(hers[name] for name in names)):
            yield method, path.format(**dict(zip(names, values, strict=True))), line


def test_every_route_has_a_line(with_providers: FastAPI) -> None:
    assert set(routes_of(with_providers.routes)) == LINES.keys() | NOBODYS


@pytest.mark.parametrize("way", ["jwt", "api token", "session"])
async def test_what_is_hers_is_nobody_elses(app: FastAPI, hers: Belongings, way: str) -> None:
    async with AsyncExitStack() as stack:
        bob = await stack.enter_async_context(browser(app, **bearer("bob")))
        assert (await bob.get("/api/v1/me/")).status_code == 200
        if way == "api token":
            token = (await bob.post("/api/v1/tokens/", json={"name": "His"})).json()["token"]
            bob.headers["Authorization"] = f"Bearer {token}"
        elif way == "session":
            del bob.headers["Authorization"]
            bob.cookies.set(sessions.COOKIE, await session_of(app, "user-bob"))
            bob.headers["Origin"] = "https://127.0.0.1"
        for method, path, line in requests(hers):
            answer = await bob.request(method, path, json=line.body)
            expected = {line.bob, 403} if way == "api token" else {line.bob}
            assert answer.status_code in expected, f"{method} {path}: {answer.text}"
            assert not [word for word in HERS if word in answer.text], f"{method} {path}"

        ada = await stack.enter_async_context(browser(app, **bearer("ada")))
        shown = ""
        for method, path, line in requests(hers):
            answer = await ada.request(method, path, json=line.body)
            assert answer.status_code == line.ada, f"{method} {path}: {answer.text}"
            shown += answer.text
        assert all(word in shown for word in HERS), "she sees it herself, so the words above prove something"


async def test_nobody_is_served_but_public_pages_without_saying_who_they_are(app: FastAPI, hers: Belongings) -> None:
    async with browser(app) as stranger:
        for method, path, line in requests(hers):
            answer: httpx2.Response = await stranger.request(method, path, json=line.body)
            assert answer.status_code == line.nobody, f"{method} {path}: {answer.text}"
            assert (answer.json().get("error_code") == "UNAUTHORIZED") == (line.nobody == 401), f"{method} {path}"
            assert not [word for word in HERS if word in answer.text], f"{method} {path}"


async def test_another_sites_page_changes_nothing_with_her_cookie(app: FastAPI, hers: Belongings) -> None:
    async with browser(app) as ada:
        ada.cookies.set(sessions.COOKIE, await session_of(app, "user-ada"))
        ada.headers.update({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"})
        for method, path, line in requests(hers):
            if method != "GET":
                answer = await ada.request(method, path, json=line.body)
                assert (answer.status_code, answer.json()["error_code"]) == (403, "FORBIDDEN"), f"{method} {path}"
