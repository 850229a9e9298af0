"""A gateway over a real MongoDB, with providers of the test's own, and browsers that keep its cookies."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from kit.mongo import Database
from kit.vault import Vault, VaultSettings, new_key
from services.gateway.auth import sessions
from services.gateway.connections.service import open_accounts
from services.gateway.members.service import Users
from services.gateway.web.provided import find
from tests import databases
from tests.e2e.members.browser import HOME, browser, session_of
from tests.e2e.walk.provider import FakeProviders, connection_settings
from tests.unit.gateway.support import FakeBroker, bearer, gateway_app, settings

CONNECTIONS = "/api/v1/connections"
DOMAIN = urlsplit(HOME).netloc


@dataclass
class World:
    db: Database
    app: FastAPI
    providers: FakeProviders
    stack: AsyncExitStack

    async def browser(self, name: str | None = "ada", **headers: str) -> httpx2.AsyncClient:
        """A browser with this member's session; of None, with nobody's."""
        client = await self.stack.enter_async_context(browser(self.app, **headers))
        if name:
            await find(self.app, Users).name(f"user-{name}", name)
            client.cookies.set(sessions.COOKIE, await session_of(self.app, f"user-{name}"), domain=DOMAIN)
        return client

    async def api(self, name: str = "ada") -> httpx2.AsyncClient:
        """A client with this member's JWT."""
        return await self.stack.enter_async_context(browser(self.app, **bearer(name)))

    async def start(self, client: httpx2.AsyncClient, provider: str = "github", **params: Any) -> str:
        """The provider's address that the browser is sent to."""
        answer = await client.get(f"{CONNECTIONS}/{provider}/start/", params=params)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def connect(self, client: httpx2.AsyncClient, provider: str = "github", **params: Any) -> None:
        back = self.providers.consent(await self.start(client, provider, **params))
        answer = await client.get(f"{CONNECTIONS}/{provider}/callback/", params=back)
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def world(mongodb: str, database: str) -> AsyncIterator[World]:
    providers = FakeProviders()
    vault = Vault(VaultSettings(token_keys=SecretStr(new_key("test"))))
    given = settings(public_url=HOME, return_origins=("https://host.test",), limit_repositories=100)
    async with databases.made(mongodb, database) as db, AsyncExitStack() as stack:
        accounts = open_accounts(db, providers.transport(), connection_settings(), vault)
        app = gateway_app(given, db, FakeBroker().publish, accounts=accounts)
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield World(db, app, providers, stack)
