"""A real MongoDB, a clock that is set, and a broker that remembers."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from kit.mongo import Database, connect, ensure_indexes
from kit.settings import MongoSettings
from tests.e2e.sources.rig import Broker, Clock


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    db = connect(MongoSettings(mongodb_url=SecretStr(mongodb), mongodb_database=database))
    await ensure_indexes(db)
    yield db
    await db.client.drop_database(database)
    await db.client.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broker(clock: Clock) -> Broker:
    return Broker(clock)
