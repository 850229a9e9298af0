"""The status of an import, from events that come late, twice and in any order, on a real MongoDB."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import structlog.testing

from kit.kafka.events import ATTEMPT, handling
from kit.mongo import Database, Document
from records.imports import State, insert, pending, reopen
from schemas.content import Analysis, CoverBlock, Item, Project, ProjectType
from schemas.content import Content as Blocks
from schemas.events import (
    ContentAnalyzed,
    ContentFetched,
    Event,
    ImportFailed,
    ImportRequested,
    Options,
    PointsAwarded,
    ProjectDrafted,
    ProjectSaved,
)
from services.writer.projector import Projector
from tests.databases import made
from tests.unit.kit.records import record as record_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)
URL = "https://github.com/a/b"
PROJECT_ID = UUID(int=7)


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


def journey(import_id: UUID, *, created: bool = True) -> list[Event]:
    """All events of one import, in order."""
    item = Item(
        integration="github", external_id="1", url=URL, kind="github_repo", title="b", full_name="a/b"
    )  # fmt: skip
    analysis = Analysis(description="It is.", source="extractive")
    project = Project(
        type="github_repo", title="b", description="It is.", external_url=URL, is_showcase=True, is_private=False,
        content=Blocks(blocks=(CoverBlock(title="b"),)), project_type=ProjectType.OTHER, analysis_source="extractive",
    )  # fmt: skip
    facts = {"id": uuid4(), "import_id": import_id, "user_id": "u", "url": URL}
    saved = {"project_id": PROJECT_ID, "slug": "b"}
    events: list[Event] = [
        ImportRequested.model_validate(facts | {"requested_at": NOW}),
        ContentFetched.model_validate(facts | {"item": item}),
        ContentAnalyzed.model_validate(facts | {"item": item, "analysis": analysis}),
        ProjectDrafted.model_validate(facts | {"project": project}),
        ProjectSaved.model_validate(facts | saved | {"title": "b", "created": created}),
    ]
    if created:
        events.append(PointsAwarded.model_validate(facts | saved | {"points": 50, "reason": "project_create"}))
    return events


async def accepted(db: Database) -> UUID:
    """An import as the gateway stores it."""
    task_id = uuid4()
    record = pending(
        task_id=task_id, user_id="u", url=URL, integration="github", options=Options(), released=True, now=NOW
    )
    await insert(db, record)
    return task_id


async def read(db: Database, import_id: UUID) -> Document:
    found = await db.imports.find_one({"_id": import_id})
    assert found is not None
    return found


def failed(import_id: UUID, stage: str) -> ImportFailed:
    return ImportFailed(
        id=uuid4(), import_id=import_id, user_id="u", url=URL, stage=stage,
        error="No such repository.", error_code="CONTENT_NOT_FOUND", action="check_url", suggestion="Check it.",
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
async def test_events_in_any_order_and_twice_end_in_the_same_state(db: Database, seed: int) -> None:
    import_id = await accepted(db)
    events = journey(import_id) * 2
    random.Random(seed).shuffle(events)
    projector, seen = Projector(db), 0
    for event in events:
        await projector(event)
        progress = (await read(db, import_id))["progress"]
        assert progress >= seen, "it never goes back"
        seen = progress
    record = await read(db, import_id)
    assert (record["state"], record["active"], record["points"]) == (State.COMPLETED, False, 50)
    assert record["result"] == {"project_id": PROJECT_ID, "slug": "b", "created": True}


async def test_an_event_that_changes_nothing_makes_no_new_version(db: Database) -> None:
    import_id = await accepted(db)
    projector = Projector(db)
    for event in journey(import_id):
        await projector(event)
    before = await read(db, import_id)
    for event in journey(import_id):
        await projector(event)
    assert await read(db, import_id) == before


async def test_a_refreshed_project_is_done_without_points(db: Database) -> None:
    import_id = await accepted(db)
    for event in journey(import_id, created=False):
        await Projector(db)(event)
    record = await read(db, import_id)
    assert (record["state"], record["active"], record["points"]) == (State.COMPLETED, False, 0)


@pytest.mark.parametrize("late", [False, True])
async def test_a_failure_ends_the_import_even_if_an_earlier_event_is_read_after_it(db: Database, late: bool) -> None:
    import_id = await accepted(db)
    requested, failure = journey(import_id)[0], failed(import_id, "fetcher")
    for event in (failure, requested) if late else (requested, failure):
        await Projector(db)(event)
    record = await read(db, import_id)
    assert (record["state"], record["active"]) == (State.FAILED, False)
    assert record["error"]["error_code"] == "CONTENT_NOT_FOUND"


async def test_an_import_that_has_failed_stays_so_until_an_operator_replays_it(db: Database) -> None:
    import_id = await accepted(db)
    requested, *others = journey(import_id)
    for event in (requested, failed(import_id, "fetcher"), *others):
        await Projector(db)(event)
    assert (await read(db, import_id))["state"] == State.FAILED
    assert await reopen(db, import_id, "u")
    for event in (failed(import_id, "fetcher"), *others):
        await Projector(db)(event)
    assert (await read(db, import_id))["state"] == State.PROCESSING, "what comes of the first attempt changes nothing"
    with handling(record_of(headers=((ATTEMPT, b"2"),))):
        for event in others:
            await Projector(db)(event)
    record = await read(db, import_id)
    assert record["state"] == State.COMPLETED
    assert "error" not in record


async def test_nobody_moves_the_import_of_another_member(db: Database) -> None:
    import_id = await accepted(db)
    forged = failed(import_id, "fetcher").model_copy(update={"user_id": "mallory"})
    await Projector(db)(forged)
    assert (await read(db, import_id))["state"] == State.PENDING


async def test_an_import_that_another_system_published_is_known_from_its_first_event(db: Database) -> None:
    import_id = uuid4()
    await Projector(db)(journey(import_id)[1])
    record = await read(db, import_id)
    assert (record["user_id"], record["url"], record["state"]) == ("u", URL, State.PROCESSING)


async def test_the_end_of_an_import_is_one_log_line_with_outcome_and_seconds(db: Database) -> None:
    """Also where its events come twice, and where the import fails."""
    good, bad = uuid4(), uuid4()
    facts = {"import_id": bad, "user_id": "u", "url": URL, "stage": "fetcher", "suggestion": "Check the link."}
    failed = ImportFailed(id=uuid4(), error="Gone.", error_code="CONTENT_NOT_FOUND", action="check_url", **facts)
    projector = Projector(db)
    with structlog.testing.capture_logs() as lines:
        for event in [*journey(good), *journey(good), failed, failed]:
            await projector(event)
    ends = {line["import_id"]: line for line in lines if line["event"] == "import ended"}
    assert len(lines) == len(ends) == 2
    assert (ends[str(good)]["outcome"], ends[str(bad)]["outcome"]) == ("completed", "failed")
    assert (ends[str(bad)]["error_code"], ends[str(bad)]["stage"]) == ("CONTENT_NOT_FOUND", "fetcher")
    assert "error_code" not in ends[str(good)]
    assert ends[str(good)]["seconds"] >= 0
