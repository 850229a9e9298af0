"""The happy path and the honest failures, through the public HTTP API and seven processes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from kit.mongo import Database
from sandbox.client import SandboxClient
from tests.e2e.member import PATIENCE, Member, settled
from tests.e2e.stack import SANDBOX, Stack

pytestmark = pytest.mark.engines


@pytest.fixture
async def sandbox(stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stack.url(SANDBOX)) as client:
        yield client
        await client.reset()


async def is_picture(url: str) -> bool:
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(url)
    return answer.status_code == 200 and answer.headers["content-type"].startswith("image/")


def blocks(project: dict[str, Any]) -> list[str]:
    return [block["type"] for block in project["content"]["blocks"]]


async def test_a_repository_becomes_a_project(stack: Stack, db: Database, ada: Member) -> None:
    accepted = await ada.post("/github/import/", {"url": "git@github.com:Tidewater-Example/tidewatch.git"})
    assert accepted.status_code == 202
    task_id = accepted.json()["task_id"]
    assert accepted.headers["location"] == accepted.json()["status_url"]
    await settled(stack, db, task_id)

    task = await ada.task(task_id)
    assert (task["status"], task["progress"], task["points"]) == ("completed", 100, 50)
    assert task["result"]["url"] == f"/{ada.name}/tidewatch"
    project = await ada.get(f"/projects/{task['result']['project_id']}/")
    assert {name: project[name] for name in ("type", "title", "slug", "external_url", "is_showcase", "is_private")} == {
        "type": "github_repo",
        "title": "tidewatch",
        "slug": "tidewatch",
        "external_url": "https://github.com/tidewater-example/tidewatch",
        "is_showcase": True,
        "is_private": False,
    }
    assert project["analysis_source"] == "model"
    assert 2 <= project["description"].count(".") <= 3
    assert project["technologies"][0] == "Rust"
    assert project["project_type"] == "tool"
    assert blocks(project) == ["cover", "text"]
    cover, text = project["content"]["blocks"]
    assert cover["banner_url"] == project["banner_url"]
    assert await is_picture(project["banner_url"])
    assert "https://github.com/tidewater-example/tidewatch/raw/main/docs/images/wave.svg" in text["content"]
    assert "https://github.com/tidewater-example/tidewatch/blob/main/ROADMAP.md" in text["content"]
    facts = project["metadata"]
    assert (facts["stars"], facts["forks"], facts["language"], facts["license"]) == (4_812, 163, "Rust", "MIT")
    assert facts["topics"] == ["cli", "rust", "sailing", "tides", "tui"]
    assert facts["pushed_at"] == "2026-09-28T07:41:30Z"

    assert [entry["points"] for entry in await ada.points()] == [50]
    again = await ada.post("/github/import/", {"url": "https://github.com/tidewater-example/tidewatch"})
    assert again.status_code == 409
    assert again.json()["project_url"] == task["result"]["url"]


async def test_a_video_becomes_a_project(stack: Stack, db: Database, ada: Member) -> None:
    body = {"video_url": "https://youtu.be/sbxTidePool?t=42", "is_showcase": False}
    accepted = await ada.post("/integrations/youtube/import/", body)
    await settled(stack, db, accepted.json()["task_id"])
    task = await ada.task(accepted.json()["task_id"])
    assert (task["status"], task["points"]) == ("completed", 50)

    project = await ada.get(f"/projects/{task['result']['project_id']}/")
    assert project["type"] == "video"
    assert project["external_url"] == "https://youtube.com/watch?v=sbxTidePool"
    assert project["title"] == "Building a tide clock with Rust and an e-paper display"
    assert project["is_showcase"] is False
    assert project["description"].startswith("We wire an e-paper display")
    assert blocks(project) == ["cover", "video", "text"]
    _, video, text = project["content"]["blocks"]
    assert (video["provider"], video["video_id"]) == ("youtube", "sbxTidePool")
    assert "It works" in text["content"], "all of the description"
    assert "maxres" in project["featured_image_url"]
    assert await is_picture(project["featured_image_url"])
    wanted = ("youtube_video_id", "view_count", "like_count", "published_at", "duration")
    assert [project["metadata"][name] for name in wanted] == [
        "sbxTidePool", 182_340, 9_120, "2026-05-02T16:00:09Z", "PT17M42S",
    ]  # fmt: skip


async def test_a_long_description_is_cut_in_front_and_whole_in_the_text(
    stack: Stack, db: Database, ada: Member
) -> None:
    task_id = await ada.paste("https://www.youtube.com/watch?v=sbxBreadDay")
    await settled(stack, db, task_id)
    task = await ada.task(task_id)
    project = await ada.get(f"/projects/{task['result']['project_id']}/")
    assert 400 < len(project["description"]) <= 500
    assert "Music by nobody" in project["content"]["blocks"][-1]["content"]


async def test_a_renamed_repository_ends_on_its_new_link_and_is_one_project(
    stack: Stack, db: Database, ada: Member
) -> None:
    tasks = [
        await ada.paste(f"https://github.com/{name}")
        for name in ("old-harbour-example/brass-compass", "harbour-example/brass-compass", "harbour-example/compass")
    ]
    await settled(stack, db, *tasks)
    assert {(await ada.task(task))["status"] for task in tasks} == {"completed"}
    assert [p["external_url"] for p in await ada.projects()] == ["https://github.com/harbour-example/compass"]
    assert [entry["points"] for entry in await ada.points()] == [50]


async def test_a_client_that_prefers_to_wait_gets_the_project(ada: Member) -> None:
    body = {"url": "https://github.com/quiet-example/mebibyte", "is_private": True}
    headers = {"Prefer": "wait=15", "Idempotency-Key": uuid4().hex}
    async with asyncio.timeout(PATIENCE):
        while (answer := await ada.post("/integrations/import/", body, **headers)).status_code == 202:
            pass  # the time that it waits is over, which is short for a busy machine
    assert answer.status_code == 200, answer.text
    project = answer.json()["project"]
    assert project["is_private"] is True
    assert len(project["content"]["blocks"][-1]["content"]) > 1_000_000, "a README of 1 MiB passes whole"


@pytest.mark.parametrize(
    "link",
    [
        "https://github.com/kestrel-example/vault",
        "https://github.com/mira-example/never-was",
        "https://www.youtube.com/watch?v=sbxPrivate0",
        "https://www.youtube.com/watch?v=sbxDeleted0",
    ],
)
async def test_what_cannot_be_seen_fails_with_words_and_without_points(
    stack: Stack, db: Database, ada: Member, link: str
) -> None:
    task_id = await ada.paste(link)
    await settled(stack, db, task_id)
    task = await ada.task(task_id)
    assert (task["status"], task["error_code"], task["action"]) == ("failed", "CONTENT_NOT_FOUND", "check_url")
    assert task["error"]
    assert task["suggestion"]
    assert await ada.projects() == []
    assert await ada.points() == []
    assert (await ada.post("/integrations/import/", {"url": link})).status_code == 202, "and may be tried again"


@pytest.mark.parametrize("link", ["https://github.com.evil.tld/a/b", "https://gist.github.com/a/b", "nonsense"])
async def test_a_link_that_is_none_of_ours_is_refused_at_the_door(ada: Member, link: str) -> None:
    answer = await ada.post("/integrations/import/", {"url": link})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_URL")


async def test_an_import_waits_for_a_rate_limit_and_then_goes_on(
    stack: Stack, db: Database, ada: Member, sandbox: SandboxClient
) -> None:
    rule = await sandbox.fault("github", "rate_limit", path="/repos/load/4711", reset_in=3, times=1)
    task_id = await ada.paste("https://github.com/load/4711")
    await settled(stack, db, task_id)
    assert await sandbox.hits(rule) == 1
    task = await ada.task(task_id)
    assert (task["status"], task["points"]) == ("completed", 50)


async def test_a_model_that_talks_nonsense_fails_no_import(
    stack: Stack, db: Database, ada: Member, sandbox: SandboxClient
) -> None:
    await sandbox.fault("openai", "garbage", contains="load/4712")
    task_id = await ada.paste("https://github.com/load/4712")
    await settled(stack, db, task_id)
    task = await ada.task(task_id)
    project = await ada.get(f"/projects/{task['result']['project_id']}/")
    assert project["analysis_source"] == "extractive"
    assert "number 4712" in project["description"]
