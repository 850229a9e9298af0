"""A browser that connects a member's accounts: through the gateway to the sandbox's page of consent, and back."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from demo.imports import API


def browser(transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """With its own cookies; the secure ones come back to this machine over plain HTTP, as in every browser."""
    client = httpx2.AsyncClient(timeout=30, trust_env=False, transport=transport)

    async def trust_loopback(_: httpx2.Response) -> None:
        for cookie in client.cookies.jar:
            cookie.secure = False

    client.event_hooks = {"response": [trust_loopback]}
    return client


async def connect(
    client: httpx2.AsyncClient, gateway: str, token: str, provider: str, member: str, *, private: bool = False
) -> dict[str, Any]:
    """The connection, as the gateway describes it, after `member` of the sandbox allowed all that was asked for.

    Raises `httpx2.HTTPError` where a step is refused.
    """
    started = await client.get(
        f"{gateway}{API}/connections/{provider}/start/",
        params={"private": "true"} if private else {},
        headers={"Authorization": f"Bearer {token}"},
    )
    _check(started, 302)
    page = await client.get(started.headers["location"])
    _check(page, 200)
    asked = parse_qs(urlsplit(str(page.url)).query)
    ticks = asked["scope"][0].replace(",", " ").split()
    form = {**asked, "member": member, "tick": ticks, "decision": "allow"}
    answer = await client.post(page.url, data=form, follow_redirects=True)
    _check(answer, 200)
    connection: dict[str, Any] = answer.json()
    return connection


def _check(answer: httpx2.Response, status: int) -> None:
    """In our own words: httpx2 would quote the address, with the code and the state in it."""
    if answer.status_code != status:
        raise httpx2.HTTPError(f"{answer.url.path} answers {answer.status_code}: {answer.text[:300]}")
