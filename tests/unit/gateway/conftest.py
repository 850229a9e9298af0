"""A gateway whose database is away."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from services.gateway.app import create_app
from tests.unit.gateway.support import FakeBroker, FakeRegistry, absent_database, settings


@pytest.fixture
async def app() -> AsyncIterator[FastAPI]:
    db = absent_database()
    yield create_app(settings(), db, FakeBroker().publish, FakeRegistry())
    await db.client.close()
