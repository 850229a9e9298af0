"""A gateway over a real MongoDB, and browsers that keep its cookies."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from kit.mongo import Database, connect, ensure_indexes
from kit.settings import MongoSettings
from services.gateway.app import create_app
from tests.unit.gateway.support import FakeBroker, FakeRegistry, settings


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    db = connect(MongoSettings(mongodb_url=SecretStr(mongodb), mongodb_database=database))
    await ensure_indexes(db)
    yield db
    await db.client.drop_database(database)
    await db.client.close()


@pytest.fixture
def app(db: Database) -> FastAPI:
    return create_app(settings(), db, FakeBroker().publish, FakeRegistry())
