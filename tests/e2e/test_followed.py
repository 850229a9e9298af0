"""A followed repository, through every process: synced when it is due, and told truthfully in its history."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.client import SandboxClient
from tests.e2e.member import PATIENCE, Member
from tests.e2e.stack import SANDBOX, Stack

pytestmark = pytest.mark.engines

NAME = "tidewater-example/tidewatch"
SOURCES = "/integrations/sources/"


@pytest.fixture
async def sandbox(stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stack.url(SANDBOX)) as client:
        yield client
        await client.reset()


async def run(stack: Stack, member: Member, source_id: str, number: int) -> dict[str, Any]:
    """The source's sync of this number, from 1, when its source knows how it ended and all that it sent on its way has
    arrived."""
    async with asyncio.timeout(PATIENCE):
        while True:
            stack.check()
            runs: list[dict[str, Any]] = (await member.get(f"{SOURCES}{source_id}/history/"))["runs"]
            if len(runs) >= number and (sync := runs[-number])["next_reason"] and "pending" not in sync["changes"]:
                return sync
            await asyncio.sleep(0.1)


async def until_gone(member: Member, project_id: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if (await member.get(f"/projects/{project_id}/"))["source_state"] == "gone":
                return
            await asyncio.sleep(0.1)


async def test_a_repository_is_followed_through_changes_and_beyond_its_end(
    stack: Stack, sandbox: SandboxClient, ada: Member
) -> None:
    answer = await ada.post(SOURCES, {"url": f"https://github.com/{NAME}", "sync_frequency": "daily"})
    assert answer.status_code == 201, answer.text
    source_id = answer.json()["id"]

    first = await run(stack, ada, source_id, 1)
    assert (first["outcome"], first["reason"], first["changes"]) == ("changed", "new", {"imported": 1})
    assert first["next_reason"] == "interval"
    (project,) = await ada.projects()
    model_calls = await sandbox.calls("openai")

    await ada.post(f"{SOURCES}{source_id}/sync/", {})
    second = await run(stack, ada, source_id, 2)
    assert (second["outcome"], second["reason"], second["changes"]) == ("unchanged", "requested", {"unchanged": 1})
    assert await sandbox.calls("openai") == model_calls

    await sandbox.change_repository(NAME, description="Tides, as they are today.", readme="# Tides of the whole moon")
    await ada.post(f"{SOURCES}{source_id}/sync/", {})
    third = await run(stack, ada, source_id, 3)
    assert (third["outcome"], third["changes"]) == ("changed", {"updated": 1})
    assert "Tides of the whole moon" in str((await ada.get(f"/projects/{project['id']}/"))["content"])

    await sandbox.delete_repository(NAME)
    await ada.post(f"{SOURCES}{source_id}/sync/", {})
    fourth = await run(stack, ada, source_id, 4)
    assert (fourth["outcome"], fourth["error"]["error_code"]) == ("failed", "CONTENT_NOT_FOUND")
    source = await ada.get(f"{SOURCES}{source_id}/")
    assert (source["state"], source["next_reason"]) == ("gone", "retry")
    (notice,) = (await ada.get("/notices/"))["notices"]
    assert notice["kind"] == "source_gone"
    await until_gone(ada, project["id"])
    assert [one["id"] for one in await ada.projects()] == [project["id"]], "never deleted"
    assert sum(entry["points"] for entry in await ada.points()) == 50
