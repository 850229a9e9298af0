"""A database of the test's own, and what works on it."""

from collections.abc import AsyncIterator

import pytest

from integrations.connections.store import Connections
from kit.mongo import Database
from tests.databases import made
from tests.e2e.connections.rig import Clock, Issuer, vault


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def connections(db: Database, clock: Clock) -> Connections:
    return Connections(db, vault(), now=clock)
