"""Databases for tests that need a MongoDB and no more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any, Self
from uuid import uuid4

from pydantic import SecretStr
from pymongo import MongoClient, WriteConcern

from kit.mongo import Database, connect
from kit.settings import MongoSettings
from records.indexes import ensure_indexes

TURNS = 4  # what a test left under way has ended when its database is used again


class SpareDatabases:
    """A few databases that the tests of a run use in turn, each emptied before.

    One for each test takes longer to make than most tests run, and the files of the dropped ones, some eighty each,
    stay open until MongoDB gets round to them: hundreds use up its descriptors.
    """

    def __init__(self, url: str) -> None:
        self._client = MongoClient[dict[str, Any]](url)
        self._names = [f"test-{uuid4().hex[:8]}-{number}" for number in range(TURNS)]
        self._turns = cycle(self._names)

    def take(self) -> str:
        """The name of a database without a document, but with whatever indexes it has by now."""
        name = next(self._turns)
        db = self._client.get_database(name, write_concern=WriteConcern(w=1, j=False))
        for collection in db.list_collection_names():
            db[collection].delete_many({})
        return name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            self._client.drop_database(name)
        self._client.close()


@asynccontextmanager
async def made(url: str, name: str) -> AsyncIterator[Database]:
    """The database, with our indexes."""
    db = connect(MongoSettings(mongodb_url=SecretStr(url), mongodb_database=name))
    await ensure_indexes(db)
    yield db
    await db.client.close()
