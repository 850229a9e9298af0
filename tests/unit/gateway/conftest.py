"""A gateway whose database is away."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from tests.unit.gateway.support import FakeBroker, absent_database, gateway_app, settings


@pytest.fixture
async def app() -> AsyncIterator[FastAPI]:
    db = absent_database()
    yield gateway_app(settings(), db, FakeBroker().publish)
    await db.client.close()
