"""GitHub and GitLab, as far as an OAuth walk and a list of repositories see them."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from pydantic import SecretStr

from integrations.connections.settings import ConnectionSettings

HOSTS = {"github": "github.com", "gitlab": "gitlab.com"}
ISSUERS = {"github": "https://github.com/login/oauth", "gitlab": "https://gitlab.com"}


def connection_settings() -> ConnectionSettings:
    return ConnectionSettings(
        token_refused_for=timedelta(0),
        github_client_id="github-client",
        github_client_secret=SecretStr("github-client-secret"),
        gitlab_client_id="gitlab-client",
        gitlab_client_secret=SecretStr("gitlab-client-secret"),
    )


def asked_for(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@dataclass
class FakeProviders:
    """A code is good once, for the redirect and the PKCE challenge that it was given for."""

    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)  # access token → its scopes
    exchanges: int = 0
    revoked: list[str] = field(default_factory=list)
    pages: list[list[dict[str, Any]]] = field(default_factory=list)  # of repositories
    listed: list[httpx2.Request] = field(default_factory=list)

    def consent(self, address: str, *, scopes: str | None = None) -> dict[str, str]:
        """What the browser brings back after the member allowed the access, to some of the scopes perhaps."""
        asked = asked_for(address)
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "granted": asked["scope"] if scopes is None else scopes}
        return {"code": code, "state": asked["state"]}

    def transport(self) -> httpx2.AsyncBaseTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path in ("/login/oauth/access_token", "/oauth/token"):
            return self._exchange(request)
        if request.method == "DELETE" or path == "/oauth/revoke":
            self.revoked.append(request.content.decode())
            return httpx2.Response(204)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return httpx2.Response(401, json={"message": "Bad credentials"})
        if path in ("/user", "/api/v4/user"):
            return httpx2.Response(200, json={"id": 583231, "login": "octocat", "username": "octocat"})
        return self._repositories(request)

    def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        self.exchanges += 1
        sent = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        given = self.codes.pop(sent.get("code", ""), None)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not given or (challenge, sent["redirect_uri"]) != (given["code_challenge"], given["redirect_uri"]):
            return httpx2.Response(200, json={"error": "bad_verification_code", "error_description": "…"})
        token = f"gho_{secrets.token_hex(18)}"
        self.tokens[token] = given["granted"]
        scopes = given["granted"].replace(" ", ",")
        return httpx2.Response(200, json={"access_token": token, "token_type": "bearer", "scope": scopes})

    def _repositories(self, request: httpx2.Request) -> httpx2.Response:
        self.listed.append(request)
        number = int(request.url.params["page"])
        address = f"https://api.github.com/user/583231/repos?per_page=100&page={number + 1}"
        more = {"link": f'<{address}>; rel="next"'} if number < len(self.pages) else {}
        return httpx2.Response(200, content=json.dumps(self.pages[number - 1]), headers=more)
