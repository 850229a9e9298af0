"""A provider that invalidates a refresh token on its first use, and a member who connected it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
from pydantic import SecretStr

from integrations.connections.model import Connection, Grant
from integrations.connections.oauth import OAuth
from integrations.connections.providers import build_providers
from integrations.connections.settings import ConnectionSettings
from integrations.connections.store import Connections
from integrations.connections.tokens import Tokens
from integrations.provider import Account
from kit.vault import Vault, VaultSettings

KEY = f"test:{'A' * 43}"  # the same one in every process
HOUR = timedelta(hours=1)
ADA = Account("7", "ada@tube")


def vault(*keys: str) -> Vault:
    return Vault(VaultSettings(token_keys=SecretStr(",".join(keys or (KEY,)))))


@dataclass
class Clock:
    """Stands still until it is moved."""

    time: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, span: timedelta) -> None:
        self.time += span


@dataclass
class Issuer:
    """A token endpoint. `refreshes` counts what reached it, whatever it answered."""

    refresh_token: str = "refresh-0"
    expires_in: int = 3_600
    refreshes: int = 0
    down: bool = False
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    revoked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answering.set()

    def grant(self) -> Grant:
        """What consent at this moment gives."""
        return Grant(SecretStr("access-0"), SecretStr(self.refresh_token), scopes=("youtube",))

    def refresh(self, refresh_token: str) -> tuple[int, dict[str, Any]]:
        self.refreshes += 1
        if self.down:
            return 503, {}
        if refresh_token != self.refresh_token:
            return 400, {"error": "invalid_grant"}
        self.refresh_token = f"refresh-{self.refreshes}"
        return 200, {
            "access_token": f"access-{self.refreshes}",
            "refresh_token": self.refresh_token,
            "expires_in": self.expires_in,
            "token_type": "Bearer",
        }

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        form = parse_qs(request.content.decode())
        self.asked.set()
        await self.answering.wait()
        if request.url.path.endswith("/revoke"):
            self.revoked += form["token"]
            return httpx2.Response(503 if self.down else 200)
        status, body = self.refresh(form["refresh_token"][0])
        return httpx2.Response(status, json=body)


def oauth(transport: httpx2.AsyncBaseTransport, clock: Clock | None = None, **settings: str) -> OAuth:
    given = {"google_client_id": "id", "google_client_secret": "secret", **settings}
    providers = build_providers(ConnectionSettings.model_validate(given))
    return OAuth(providers, transport, now=clock) if clock else OAuth(providers, transport)


def tokens(
    connections: Connections, issuer: Issuer, clock: Clock, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> Tokens:
    """Another process's, for all that its callers can tell."""
    return Tokens(connections, oauth(httpx2.MockTransport(issuer), clock), refused_for=HOUR, sleep=sleep)


async def connect_ada(connections: Connections, issuer: Issuer, *, expires_at: datetime | None = None) -> Connection:
    grant = issuer.grant()
    ends = Grant(grant.access_token, grant.refresh_token, expires_at, grant.scopes)
    connection, _ = await connections.save("ada", "youtube", ADA, ends)
    return connection
