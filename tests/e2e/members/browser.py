"""A browser at the gateway: it keeps `__Host-` cookies, and says where its requests come from."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import httpx2
from fastapi import FastAPI
from starlette.responses import Response

from services.gateway.auth import sessions
from services.gateway.auth.sessions import Sessions
from services.gateway.web.provided import find

HOME = "https://127.0.0.1"  # httpx2 sends a Secure cookie to https only


@asynccontextmanager
async def browser(app: FastAPI, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    sent = {"Sec-Fetch-Site": "same-origin", **headers}
    async with httpx2.AsyncClient(transport=transport, base_url=HOME, headers=sent) as client:
        yield client


async def session_of(app: FastAPI, user_id: str) -> str:
    """The secret of a new session."""
    response = Response()
    await find(app, Sessions).begin(user_id, response, earlier=None)
    return secret_in(response.headers["set-cookie"])


def secret_in(set_cookie: str) -> str:
    name, _, value = set_cookie.partition(";")[0].partition("=")
    assert name == sessions.COOKIE
    return value


async def decided(page: str, member: str = "mira", decision: str = "allow") -> str:
    """What somebody clicks on a provider's page of consent, and where the provider sends the browser back to."""
    asked = query_of(page)
    async with httpx2.AsyncClient(trust_env=False) as provider:
        form = {**asked, "member": member, "decision": decision, "tick": asked["scope"].replace(",", " ").split(" ")}
        answer = await provider.post(page, data=form)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
