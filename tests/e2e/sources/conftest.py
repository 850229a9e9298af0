"""A real MongoDB, a clock that is set, and a broker that remembers."""

from collections.abc import AsyncIterator

import pytest

from kit.mongo import Database
from tests.databases import made
from tests.e2e.sources.rig import Broker, Clock


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broker(clock: Clock) -> Broker:
    return Broker(clock)
