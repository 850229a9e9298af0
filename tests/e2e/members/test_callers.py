"""The three ways in: a JWT, a personal API token, a browser's session; and what each may do."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from kit.mongo import Database
from services.gateway.auth import sessions
from services.gateway.auth.sessions import Sessions
from services.gateway.tokens import service as api_tokens
from services.gateway.tokens.service import ApiTokens
from services.gateway.web.errors import ConflictError, UnauthorizedError
from services.gateway.web.provided import find
from tests.e2e.members.browser import browser, secret_in, session_of
from tests.unit.gateway.support import bearer, client_of

ME, TOKENS = "/api/v1/me/", "/api/v1/tokens/"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 14, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
async def ada(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """With a JWT."""
    async with client_of(app, **bearer("ada")) as client:
        await client.get(ME)
        yield client


async def signed_in(
    app: FastAPI, stack: AsyncExitStack, user_id: str = "user-ada", **headers: str
) -> httpx2.AsyncClient:
    client = await stack.enter_async_context(browser(app, **headers))
    client.cookies.set(sessions.COOKIE, await session_of(app, user_id))
    return client


# API tokens


async def test_a_token_is_shown_once_and_acts_for_its_owner(
    app: FastAPI, db: Database, ada: httpx2.AsyncClient
) -> None:
    made = await ada.post(TOKENS, json={"name": "Laptop"})
    token = made.json()["token"]
    assert made.status_code == 201
    assert re.fullmatch(r"thrive_pat_[\w-]{43}", token)
    async with client_of(app, Authorization=f"Bearer {token}") as script:
        assert (await script.get(ME)).json()["id"] == "user-ada"
    listed = await ada.get(TOKENS)
    (one,) = listed.json()["tokens"]
    assert (one["name"], one["id"]) == ("Laptop", made.json()["id"])
    assert one["last_used_at"]
    assert token not in listed.text
    stored = await db["api_tokens"].find_one({})
    assert token.removeprefix("thrive_pat_") not in str(stored)


async def test_a_revoked_token_is_worth_nothing_at_once(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    made = (await ada.post(TOKENS, json={"name": "Laptop"})).json()
    async with client_of(app, Authorization=f"Bearer {made['token']}") as script:
        assert (await script.get(ME)).status_code == 200
        assert (await ada.delete(f"{TOKENS}{made['id']}/")).status_code == 204
        assert (await script.get(ME)).status_code == 401
    assert (await ada.delete(f"{TOKENS}{made['id']}/")).status_code == 404


async def test_a_token_neither_makes_nor_lists_nor_revokes_tokens(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    made = (await ada.post(TOKENS, json={"name": "Laptop"})).json()
    async with client_of(app, Authorization=f"Bearer {made['token']}") as script:
        answers = [
            await script.post(TOKENS, json={"name": "Child"}),
            await script.get(TOKENS),
            await script.delete(f"{TOKENS}{made['id']}/"),
        ]
    assert [(one.status_code, one.json()["error_code"]) for one in answers] == [(403, "FORBIDDEN")] * 3


async def test_a_member_has_so_many_tokens_and_no_more(ada: httpx2.AsyncClient) -> None:
    for _ in range(api_tokens.MAX_PER_MEMBER):
        assert (await ada.post(TOKENS, json={"name": "One"})).status_code == 201
    refused = await ada.post(TOKENS, json={"name": "One"})
    assert (refused.status_code, refused.json()["action"]) == (409, "revoke_token")


@pytest.mark.parametrize("before", [0, 40])
async def test_of_tokens_made_at_once_there_are_as_many_as_allowed(db: Database, before: int) -> None:
    tokens = ApiTokens(db)
    for _ in range(before):
        await tokens.create("user-ada", "One", timedelta(days=1))
    made = await asyncio.gather(
        *(tokens.create("user-ada", "One", timedelta(days=1)) for _ in range(120)), return_exceptions=True
    )
    assert await db["api_tokens"].count_documents({}) == api_tokens.MAX_PER_MEMBER
    assert sum(not isinstance(one, BaseException) for one in made) == api_tokens.MAX_PER_MEMBER - before
    assert all(isinstance(one, ConflictError | tuple) for one in made)


@pytest.mark.parametrize("name", ["\ud800x", "a\u0000b", "a\u202eb", "\n"])
async def test_a_jwts_name_that_cannot_be_shown_is_no_name(app: FastAPI, name: str) -> None:
    async with client_of(app, **bearer("ada", preferred_username=name)) as client:
        answer = await client.get(ME)
    assert answer.status_code == 200
    assert answer.json()["display_name"] == answer.json()["username"]
    assert answer.json()["username"].startswith("member-")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": " "},
        {"name": "x" * 81},
        {"name": "a\u202eb"},
        {"name": "Laptop", "expires_in_days": 0},
        {"name": "Laptop", "expires_in_days": 367},
        {"name": "Laptop", "user_id": "user-bob"},
    ],
)
async def test_a_token_has_a_name_and_an_end(ada: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    assert (await ada.post(TOKENS, json=body)).status_code == 422


async def test_a_token_ends_when_it_says(db: Database) -> None:
    clock = Clock()
    tokens = ApiTokens(db, now=clock)
    token, _ = await tokens.create("user-ada", "Laptop", timedelta(days=1))
    clock.forward(hours=23)
    assert await tokens.owner(token) == "user-ada"
    clock.forward(hours=2)
    with pytest.raises(UnauthorizedError):
        await tokens.owner(token)


@pytest.mark.parametrize(
    "token", ["thrive_pat_", "thrive_pat_" + "A" * 43, "thrive_pat_" + "é" * 43, "thrive_pat_a.b.c"]
)
async def test_a_made_up_token_is_refused(app: FastAPI, token: str) -> None:
    async with client_of(app) as client:
        answer = await client.get(ME, headers=[(b"Authorization", f"Bearer {token}".encode())])
    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHORIZED")


# Sessions


async def test_a_session_cookie_is_out_of_reach_of_scripts_other_sites_and_subdomains(app: FastAPI) -> None:
    response = Response()
    await find(app, Sessions).begin("user-ada", response, earlier=None)
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} >= {"httponly", "secure", "path=/", "samesite=lax"}
    assert "domain" not in cookie.lower()


async def test_a_session_is_stored_as_a_hash(app: FastAPI, db: Database) -> None:
    secret = await session_of(app, "user-ada")
    assert secret not in str(await db["sessions"].find().to_list())


async def test_signing_in_anew_ends_the_session_before(app: FastAPI) -> None:
    sessions = find(app, Sessions)
    first = await session_of(app, "user-ada")
    response = Response()
    await sessions.begin("user-ada", response, earlier=first)
    assert await sessions.owner(secret_in(response.headers["set-cookie"])) == "user-ada"
    with pytest.raises(UnauthorizedError):
        await sessions.owner(first)


async def test_a_session_ends_unused_and_in_any_case(db: Database) -> None:
    clock = Clock()
    kept = Sessions(db, idle=timedelta(days=7), lifetime=timedelta(days=30), now=clock)

    async def begun() -> str:
        response = Response()
        await kept.begin("user-ada", response, earlier=None)
        return secret_in(response.headers["set-cookie"])

    idle, busy = await begun(), await begun()
    for _ in range(4):
        clock.forward(days=6)
        assert await kept.owner(busy) == "user-ada"
    with pytest.raises(UnauthorizedError):
        await kept.owner(idle)
    clock.forward(days=5)
    assert await kept.owner(busy) == "user-ada"
    clock.forward(days=1, seconds=1)
    with pytest.raises(UnauthorizedError):
        await kept.owner(busy)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"}, 403),
        ({"Sec-Fetch-Site": "", "Origin": "http://127.0.0.1:8000"}, 403),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": "http://127.0.0.1:8000.evil.test"}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_a_cookie_changes_something_only_from_our_own_pages(
    app: FastAPI, ada: httpx2.AsyncClient, headers: dict[str, str], status: int
) -> None:
    async with AsyncExitStack() as stack:
        client = await signed_in(app, stack)
        del client.headers["Sec-Fetch-Site"]
        answer = await client.patch(ME, json={"display_name": "Ada L."}, headers=headers)
        assert answer.status_code == status
        assert (await client.get(ME, headers=headers)).status_code == 200, "reading shows nothing to another site"


async def test_a_bearer_token_decides_whatever_the_cookie_says(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    async with AsyncExitStack() as stack:
        client = await signed_in(app, stack)
        assert (await client.get(ME, headers=bearer("bob"))).json()["id"] == "user-bob"
        assert (await client.get(ME, headers={"Authorization": "Bearer wrong"})).status_code == 401


@pytest.mark.parametrize("secret", ["", "x", "A" * 43, "A" * 5_000, "{$ne: null}"])
async def test_a_made_up_cookie_is_refused(app: FastAPI, secret: str) -> None:
    async with browser(app) as client:
        answer = await client.get(ME, headers={"Cookie": f"{sessions.COOKIE}={secret}"})
    assert answer.status_code == 401


async def test_the_session_of_a_member_who_is_gone_is_none(app: FastAPI) -> None:
    async with AsyncExitStack() as stack:
        client = await signed_in(app, stack, "nobody")
        assert (await client.get(ME)).status_code == 401


# JWTs


async def test_a_known_members_jwt_costs_no_query(app: FastAPI, db: Database, ada: httpx2.AsyncClient) -> None:
    await db["users"].rename("users_away")
    try:
        assert (await ada.get("/api/v1/integrations/")).status_code == 200
    finally:
        await db["users_away"].rename("users")
    assert await db["users"].count_documents({}) == 1
