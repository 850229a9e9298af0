"""Which projects are described anew, and when, on a real MongoDB and a clock that is set."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.mongo import Database, Document
from records.imports import IN_FLIGHT, SYNC, State, imports, requested
from services.scheduler.reanalysis import TRIES, Reanalysis
from tests.databases import made
from tests.e2e.sources.rig import Clock

AFTER = timedelta(minutes=15)


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@pytest.fixture
def clock() -> Clock:
    return Clock()


def reanalysis(db: Database, clock: Clock, per_hour: int = 60) -> Reanalysis:
    return Reanalysis(db, per_hour=per_hour, after=AFTER, now=clock)


async def a_project(db: Database, clock: Clock, name: str = "one", **changes: Any) -> UUID:
    """Described without the model just now."""
    project: Document = {
        "_id": uuid4(),
        "user_id": "ada",
        "slug": name,
        "url": f"https://github.com/ada/{name}",
        "platform": "github",
        "is_showcase": False,
        "is_private": True,
        "analysis_degraded": True,
        "source_state": "there",
        "updated_at": clock.now,
        "created_at": clock.now,
        **changes,
    }
    await db.projects.insert_one(project)
    identity: UUID = project["_id"]
    return identity


async def asked(db: Database) -> list[str]:
    """The names of the projects that were asked for, in order."""
    records = await db.imports.find().sort("created_at", 1).to_list()
    return [record["url"].rpartition("/")[2] for record in records]


async def ended(db: Database) -> None:
    await db.imports.update_many({}, {"$set": {"active": False, "state": State.COMPLETED}})


async def test_a_project_is_imported_once_more_when_the_model_had_time_to_come_back(db: Database, clock: Clock) -> None:
    await a_project(db, clock)
    again = reanalysis(db, clock)
    assert not await again.tick()
    clock.now += AFTER
    assert await again.tick()
    record = await imports(db).find_one()
    assert record
    assert (record["state"], record["released"], record["published"]) == (State.PENDING, True, False), "for the relay"
    assert record["priority"] == SYNC
    event = requested(record)
    assert (event.url, event.options.is_private, event.options.is_showcase) == (
        "https://github.com/ada/one",
        True,
        False,
    )
    assert await db.imports.count_documents({**IN_FLIGHT, "user_id": "ada"}) == 0, "her own imports do not wait for it"


@pytest.mark.parametrize(
    "changes",
    [
        {"analysis_degraded": False},
        {"source_state": "gone"},
        {"source_state": "private"},
    ],
)
async def test_others_are_left_alone(db: Database, clock: Clock, changes: dict[str, Any]) -> None:
    await a_project(db, clock, **changes)
    clock.now += timedelta(days=30)
    assert not await reanalysis(db, clock).tick()
    assert await asked(db) == []


async def test_no_more_in_an_hour_than_is_set_however_many_schedulers_there_are(db: Database, clock: Clock) -> None:
    for number in range(40):
        await a_project(db, clock, f"p{number}")
    clock.now += AFTER
    schedulers = [reanalysis(db, clock, per_hour=12) for _ in range(3)]
    for _ in range(61 * 6):  # an hour and a little more, in steps of ten seconds
        await asyncio.gather(*(one.tick() for one in schedulers))
        clock.now += timedelta(seconds=10)
    assert len(await asked(db)) == 13
    assert len(set(await asked(db))) == 13


async def test_the_one_that_has_waited_longest_goes_first(db: Database, clock: Clock) -> None:
    for name in ("old", "new"):
        await a_project(db, clock, name)
        clock.now += timedelta(seconds=1)
    clock.now += AFTER
    again = reanalysis(db, clock)
    await again.tick()
    clock.now += timedelta(minutes=1)
    await again.tick()
    assert await asked(db) == ["old", "new"]


async def test_a_model_that_stays_away_is_asked_less_and_less_and_in_the_end_no_more(
    db: Database, clock: Clock
) -> None:
    await a_project(db, clock)
    again = reanalysis(db, clock, per_hour=3_600)
    times = []
    began = clock.now
    for _ in range(30 * 24 * 4):  # a month in quarters of an hour
        clock.now += timedelta(minutes=15)
        if await again.tick():
            times.append(clock.now - began)
            await ended(db)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == TRIES
    assert times[0] == AFTER
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(hours=1)
    assert pauses[-1] == timedelta(days=1)


async def test_an_import_of_the_same_link_under_way_is_enough(db: Database, clock: Clock) -> None:
    await a_project(db, clock)
    clock.now += AFTER
    again = reanalysis(db, clock)
    await again.tick()
    clock.now += timedelta(hours=2)
    assert await again.tick(), "it has another try"
    assert len(await asked(db)) == 1, "but the first import of it has not ended"


async def test_nothing_an_hour_means_never(db: Database, clock: Clock) -> None:
    await a_project(db, clock)
    clock.now += timedelta(days=30)
    assert not await reanalysis(db, clock, per_hour=0).tick()
