"""A gateway over a real MongoDB, and browsers that keep its cookies."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from integrations.connections.settings import ConnectionSettings
from kit.http import open_transport
from kit.mongo import Database
from kit.vault import Vault, VaultSettings, new_key
from sandbox.client import SandboxClient
from sandbox.running import running
from services.gateway.connections.service import open_accounts
from tests.databases import made
from tests.e2e.members.browser import HOME
from tests.unit.gateway.support import FakeBroker, gateway_app, settings


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@pytest.fixture
def app(db: Database) -> FastAPI:
    return gateway_app(settings(), db, FakeBroker().publish)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxClient]:
    async with running() as client:
        yield client


@pytest.fixture
async def with_providers(db: Database, sandbox: SandboxClient) -> AsyncIterator[FastAPI]:
    """The same, with the providers that the sandbox plays."""
    given: dict[str, Any] = {name.lower(): value for name, value in sandbox.environment.items()}
    vault, transport = Vault(VaultSettings(token_keys=SecretStr(new_key("k1")))), open_transport()
    accounts = open_accounts(db, transport, ConnectionSettings(**given), vault)
    yield gateway_app(settings(public_url=HOME), db, FakeBroker().publish, accounts=accounts)
    await accounts.tokens.aclose()
    await transport.aclose()
