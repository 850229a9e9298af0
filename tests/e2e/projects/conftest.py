"""A real MongoDB, and the drafts that the writer stores there."""

from collections.abc import AsyncIterator

import pytest

from kit.mongo import Database
from services.writer.store import ProjectStore
from tests.databases import made


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@pytest.fixture
def store(db: Database) -> ProjectStore:
    return ProjectStore(db)
