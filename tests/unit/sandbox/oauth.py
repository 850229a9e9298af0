"""A browser and a client for the sandbox's authorization servers, as tests need them."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from sandbox.oauth.grants import s256
from sandbox.oauth.model import CLIENTS

BACK = "http://127.0.0.1:8000/back"
VERIFIER = "v" * 64
ADDRESSES = {  # provider: authorize, token
    "github": ("/github.com/login/oauth/authorize", "/github.com/login/oauth/access_token"),
    "google": ("/accounts.google.com/o/oauth2/v2/auth", "/oauth2.googleapis.com/token"),
    "gitlab": ("/gitlab.com/oauth/authorize", "/gitlab.com/oauth/token"),
    "figma": ("/www.figma.com/oauth", "/api.figma.com/v1/oauth/token"),
}


@dataclass
class Walk:
    """One provider's walk. Each step may be changed by keywords; None leaves a parameter out."""

    http: aiohttp.ClientSession
    base: str
    provider: str
    headers: dict[str, str] = field(default_factory=lambda: {"Accept": "application/json"})

    def asking(self, scope: str = "", **changes: str | None) -> dict[str, str]:
        asked: dict[str, str | None] = {
            "client_id": CLIENTS[self.provider].id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": scope,
            "state": "s1",
            "code_challenge": s256(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def authorize(self, scope: str = "", **changes: str | None) -> dict[str, str]:
        """What comes back at the redirect, with a member who decides by themself."""
        url = self.base + ADDRESSES[self.provider][0]
        async with self.http.get(url, params=self.asking(scope, **changes), allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            return answered(response)

    async def post(self, path: str, **sent: str | None) -> tuple[int, Any]:
        client = CLIENTS[self.provider]
        form = {"client_id": client.id, "client_secret": client.secret, **sent}
        data = {name: value for name, value in form.items() if value is not None}
        async with self.http.post(self.base + path, data=data, headers=self.headers) as response:
            json = "json" in response.content_type
            return response.status, await (response.json() if json else response.text())

    async def exchange(self, code: str, /, **changes: str | None) -> tuple[int, Any]:
        sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        return await self.post(ADDRESSES[self.provider][1], **{**sent, **changes})

    async def tokens(self, scope: str = "", **changes: str | None) -> dict[str, Any]:
        """The whole walk."""
        status, body = await self.exchange((await self.authorize(scope, **changes))["code"])
        assert status == 200
        granted: dict[str, Any] = body
        return granted

    async def refresh(self, token: str) -> tuple[int, Any]:
        return await self.post(ADDRESSES[self.provider][1], grant_type="refresh_token", refresh_token=token)

    async def get(self, path: str, token: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.http.get(self.base + path, headers=headers) as response:
            return response.status, await response.json()


def answered(response: aiohttp.ClientResponse) -> dict[str, str]:
    target = response.headers["Location"]
    assert target.startswith(f"{BACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
