"""Old records go when the settings say, also where an earlier release had another lifetime."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kit.mongo import Database
from kit.settings import MongoSettings
from records.indexes import KEPT, ensure_indexes
from tests.databases import made


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


async def lifetime(db: Database, collection: str, index: str) -> float:
    return float((await db[collection].index_information())[index]["expireAfterSeconds"])


async def test_a_lifetime_is_the_settings_and_changes_with_it(db: Database) -> None:
    for days in (200, 300):
        kept = MongoSettings(imports_kept=timedelta(days=days))
        await ensure_indexes(db, kept)
        await ensure_indexes(db, kept)
        for (collection, index), setting in KEPT.items():
            assert await lifetime(db, collection, index) == getattr(kept, setting).total_seconds()


def test_an_import_outlives_its_dead_letters() -> None:
    with pytest.raises(ValueError, match="imports_kept"):
        MongoSettings(imports_kept=timedelta(days=30))
