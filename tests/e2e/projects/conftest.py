"""A real MongoDB, and the drafts that the writer stores there."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from kit.mongo import Database, connect, ensure_indexes
from kit.settings import MongoSettings
from services.writer.store import ProjectStore


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    db = connect(MongoSettings(mongodb_url=SecretStr(mongodb), mongodb_database=database))
    await ensure_indexes(db)
    yield db
    await db.client.drop_database(database)
    await db.client.close()


@pytest.fixture
def store(db: Database) -> ProjectStore:
    return ProjectStore(db)
