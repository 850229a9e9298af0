"""Databases for tests that need a MongoDB and no more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from kit.mongo import Database, connect, ensure_indexes
from kit.settings import MongoSettings


@asynccontextmanager
async def made(url: str, name: str) -> AsyncIterator[Database]:
    """A database with our indexes, which is dropped afterwards."""
    db = connect(MongoSettings(mongodb_url=SecretStr(url), mongodb_database=name))
    await ensure_indexes(db)
    yield db
    await db.client.drop_database(name)
    await db.client.close()
