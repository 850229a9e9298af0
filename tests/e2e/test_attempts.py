"""Whether an event's import has ended, on a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from kit.kafka.events import ATTEMPT, handling
from kit.mongo import Database
from records.attempts import Attempts, Import
from records.imports import State, pending
from schemas.events import ImportRequested, Options
from tests.databases import made
from tests.unit.kit.records import IMPORT_ID, URL, USER_ID, record

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EVENT = ImportRequested(id=IMPORT_ID, import_id=IMPORT_ID, user_id=USER_ID, url=URL, requested_at=NOW)


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@pytest.mark.parametrize(
    ("changes", "attempt", "expected"),
    [
        ({}, b"", Import(False, NOW)),
        ({"state": State.PROCESSING}, b"1", Import(False, NOW)),
        ({"state": State.COMPLETED}, b"", Import(True, NOW)),
        ({"state": State.FAILED}, b"", Import(True, NOW)),
        ({"state": State.FAILED}, b"99", Import(True, NOW)),
        ({"state": State.PROCESSING, "attempt": 2}, b"", Import(True, NOW)),
        ({"state": State.PROCESSING, "attempt": 2}, b"2", Import(False, NOW)),
        ({"state": State.PROCESSING, "attempt": 2}, b"-2", Import(True, NOW)),
        ({"state": State.PROCESSING, "attempt": 2}, b"\xd9\xa2", Import(True, NOW)),
        ({"state": State.PROCESSING, "integration": ""}, b"", Import(False, None)),
        ({"state": State.COMPLETED, "user_id": "mallory"}, b"", Import(False, None)),
    ],
)
async def test_an_import_is_over_once_it_ended_in_its_attempt(
    db: Database, changes: dict[str, Any], attempt: bytes, expected: Import
) -> None:
    one = pending(
        task_id=IMPORT_ID, user_id=USER_ID, url=URL, integration="github", options=Options(), released=True, now=NOW
    )
    await db.imports.insert_one(one | changes)
    with handling(record(headers=((ATTEMPT, attempt),))):
        assert await Attempts(db).of(EVENT) == expected


async def test_what_other_systems_began_goes_on_before_it_is_known(db: Database) -> None:
    attempts = Attempts(db)
    assert await asyncio.gather(*(attempts.of(EVENT) for _ in range(20))) == [Import()] * 20
