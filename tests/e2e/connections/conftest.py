"""A database of the test's own, and what works on it."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from integrations.connections.store import Connections
from kit.mongo import Database, connect, ensure_indexes
from kit.settings import MongoSettings
from tests.e2e.connections.rig import Clock, Issuer, vault


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    connected = connect(MongoSettings(mongodb_url=SecretStr(mongodb), mongodb_database=database))
    await ensure_indexes(connected)
    yield connected
    await connected.client.drop_database(database)
    await connected.client.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def connections(db: Database, clock: Clock) -> Connections:
    return Connections(db, vault(), now=clock)
