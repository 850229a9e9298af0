"""One import through all five stages, wired as the processes wire them, with the broker in memory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from faststream.kafka import TestKafkaBroker
from pydantic import SecretStr

from kit.mongo import Database, Document
from records.imports import find, insert, pending, requested
from records.indexes import ensure_indexes
from records.stage import Stage
from sandbox.client import SandboxClient
from sandbox.running import running
from schemas.events import ImportRequested, Options
from services.analyzer.app import build as build_analyzer
from services.analyzer.settings import AnalyzerSettings
from services.awarder.app import build as build_awarder
from services.awarder.settings import AwarderSettings
from services.fetcher.app import build as build_fetcher
from services.fetcher.settings import FetcherSettings
from services.transformer.app import build as build_transformer
from services.transformer.settings import TransformerSettings
from services.writer.app import build as build_writer
from services.writer.settings import WriterSettings

USER = "user-ada"


class Journey:
    def __init__(self, stages: list[Stage]) -> None:
        self._stages = stages
        self.db: Database = stages[-1].db

    async def import_link(self, url: str) -> UUID:
        """Returns when nothing of it is under way any more: an in-memory publish runs its subscribers."""
        task_id = uuid4()
        record = pending(
            task_id=task_id, user_id=USER, url=url, integration="any", options=Options(), released=True,
            now=datetime.now(UTC),
        )  # fmt: skip
        await insert(self.db, record)
        await self.publish(requested(record))
        return task_id

    async def publish(self, event: ImportRequested) -> None:
        await self._stages[0].publish(event)

    async def record(self, task_id: UUID) -> Document:
        found = await self.db.imports.find_one({"_id": task_id})
        assert found
        return found


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxClient]:
    async with running() as client:
        yield client


@pytest.fixture
async def journey(mongodb: str, database: str, sandbox: SandboxClient) -> AsyncIterator[Journey]:
    engines: dict[str, Any] = {"mongodb_url": SecretStr(mongodb), "mongodb_database": database}
    upstreams: dict[str, Any] = {name.lower(): value for name, value in sandbox.environment.items()}
    stages = [
        build_fetcher(FetcherSettings(**engines, **upstreams)),
        build_analyzer(AnalyzerSettings(**engines, **upstreams)),
        build_transformer(TransformerSettings(**engines)),
        build_writer(WriterSettings(**engines)),
        build_awarder(AwarderSettings(**engines)),
    ]
    async with AsyncExitStack() as exits:
        for stage in stages:
            exits.push_async_callback(stage.db.client.close)
            await exits.enter_async_context(stage.resources)
        await ensure_indexes(stages[0].db)
        await exits.enter_async_context(TestKafkaBroker(*(stage.broker for stage in stages), connect_only=False))
        yield Journey(stages)


@pytest.mark.parametrize(
    "url", ["https://github.com/tidewater-example/tidewatch", "https://youtube.com/watch?v=sbxTidePool"]
)
async def test_an_import_runs_through_all_stages(journey: Journey, url: str) -> None:
    record = await journey.record(await journey.import_link(url))
    assert (record["state"], record["points"], record["active"]) == ("completed", 50, False)
    project = await journey.db.projects.find_one({})
    assert project
    assert (project["user_id"], project["external_url"]) == (USER, url)
    assert record["result"]["project_id"] == project["_id"]
    entries = await journey.db.points.find().to_list()
    assert [(entry["points"], entry["project_id"]) for entry in entries] == [(50, project["_id"])]


@pytest.mark.parametrize("video", ["sbxNoEmbed0", "sbxAgeGated"])
async def test_a_video_that_no_other_site_may_play_has_a_link_instead(journey: Journey, video: str) -> None:
    url = f"https://youtube.com/watch?v={video}"
    record = await journey.record(await journey.import_link(url))
    assert record["state"] == "completed"
    (project,) = await journey.db.projects.find().to_list()
    cover, link, *_ = project["content"]["blocks"]
    assert (cover["type"], link["type"]) == ("cover", "text")
    assert cover["banner_url"]
    assert f'href="{url}"' in link["html"]
    assert "video" not in {block["type"] for block in project["content"]["blocks"]}
    assert project["metadata"]["embeddable"] is False


async def test_a_renamed_repository_is_one_project_by_either_link(journey: Journey, sandbox: SandboxClient) -> None:
    old, new = "https://github.com/tidewater-example/tidewatch", "https://github.com/tidewater-example/tide-watch"
    first = await journey.record(await journey.import_link(old))
    await sandbox.change_repository("tidewater-example/tidewatch", full_name="Tidewater-example/Tide-Watch")
    ends = [await journey.record(await journey.import_link(link)) for link in (new, old)]
    assert [(end["state"], end["points"]) for end in ends] == [("completed", 0), ("completed", 0)]
    assert {end["result"]["project_id"] for end in ends} == {first["result"]["project_id"]}
    (project,) = await journey.db.projects.find().to_list()
    assert (project["url"], project["slug"]) == (new, first["result"]["slug"])
    assert project["external_url"] == "https://github.com/Tidewater-example/Tide-Watch"
    assert [entry["points"] async for entry in journey.db.points.find()] == [50]


async def test_an_old_name_that_another_repository_has_now_is_another_project(
    journey: Journey, sandbox: SandboxClient
) -> None:
    link = "https://github.com/tidewater-example/tidewatch"
    first = await journey.record(await journey.import_link(link))
    await sandbox.change_repository("tidewater-example/tidewatch", full_name="tidewater-example/tide-watch")
    await sandbox.change_repository("tidewater-example/tidewatch", description="Another one by this name")
    second = await journey.record(await journey.import_link(link))
    assert (second["state"], second["points"]) == ("completed", 50)
    assert second["result"]["project_id"] != first["result"]["project_id"]
    moved = await journey.record(await journey.import_link("https://github.com/tidewater-example/tide-watch"))
    assert (moved["result"]["project_id"], moved["points"]) == (first["result"]["project_id"], 0)


async def test_a_command_that_is_published_again_doubles_nothing(journey: Journey, sandbox: SandboxClient) -> None:
    task_id = await journey.import_link("https://github.com/mira-example/paper-lanterns")
    first = await find(journey.db, task_id)
    assert first is not None
    await journey.publish(requested(first))
    again = await journey.record(task_id)
    assert (again["state"], again["points"]) == ("completed", 50)
    assert await journey.db.projects.count_documents({}) == await journey.db.points.count_documents({}) == 1
    assert await sandbox.calls("openai") == 1, "unchanged content is analysed once"


async def test_a_link_to_nothing_ends_in_words(journey: Journey) -> None:
    record = await journey.record(await journey.import_link("https://github.com/mira-example/never-was"))
    assert (record["state"], record["active"]) == ("failed", False)
    assert record["error"]["error_code"] == "CONTENT_NOT_FOUND"
    assert await journey.db.projects.count_documents({}) == 0


async def test_an_upstream_that_is_away_leaves_the_import_waiting(journey: Journey, sandbox: SandboxClient) -> None:
    await sandbox.fault("github", "rate_limit", path="/repos/load/7", reset_in=60)
    record = await journey.record(await journey.import_link("https://github.com/load/7"))
    assert record["active"]
    assert record["deferred_until"] > datetime.now(UTC)
    assert await journey.db.deferred.count_documents({"topic": ImportRequested.topic}) == 1
