"""A followed repository, through the public HTTP API and every process: what changes upstream is seen here."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.client import SandboxClient
from tests.e2e.member import PATIENCE, Member
from tests.e2e.stack import SANDBOX, Stack

pytestmark = pytest.mark.engines

SOURCES = "/integrations/sources/"


@pytest.fixture
async def sandbox(stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stack.url(SANDBOX)) as client:
        yield client
        await client.reset()


async def looked(ada: Member, source_id: str, looks: int) -> dict[str, Any]:
    """The source's last look, once it has had so many and all that they requested has ended."""
    async with asyncio.timeout(PATIENCE):
        while True:
            runs = (await ada.get(f"{SOURCES}{source_id}/history/"))["runs"]
            if len(runs) >= looks and all(item["outcome"] != "pending" for item in runs[0]["items"]):
                newest: dict[str, Any] = runs[0]
                return newest
            await asyncio.sleep(0.1)


async def project(ada: Member) -> dict[str, Any]:
    (listed,) = await ada.projects()
    found: dict[str, Any] = await ada.get(f"/projects/{listed['id']}/")
    return found


async def until_gone(ada: Member) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if (await project(ada))["source_state"] == "gone":
                return
            await asyncio.sleep(0.1)


async def test_a_followed_repository_is_kept_in_sync(stack: Stack, sandbox: SandboxClient, ada: Member) -> None:
    answer = await ada.post(
        SOURCES, {"url": "https://github.com/Tidewater-Example/tidewatch", "sync_frequency": "daily"}
    )
    assert answer.status_code == 201, answer.text
    source_id = answer.json()["id"]

    async def look_again(looks: int) -> dict[str, Any]:
        assert (await ada.post(f"{SOURCES}{source_id}/sync/", {})).status_code == 202
        return await looked(ada, source_id, looks)

    first = await looked(ada, source_id, 1)
    assert [item["outcome"] for item in first["items"]] == ["imported"]
    assert (await project(ada))["title"] == "tidewatch"

    models = await sandbox.calls("openai")
    unchanged = await look_again(2)
    assert (unchanged["outcome"], [item["outcome"] for item in unchanged["items"]]) == ("unchanged", ["unchanged"])
    assert await sandbox.calls("openai") == models

    await sandbox.change_repository("Tidewater-Example/tidewatch", readme="# Tides\n\nOf the whole moon.")
    changed = await look_again(3)
    assert [item["outcome"] for item in changed["items"]] == ["updated"]
    assert "Of the whole moon." in str((await project(ada))["content"])

    await sandbox.delete_repository("Tidewater-Example/tidewatch")
    gone = await look_again(4)
    assert (gone["outcome"], gone["error"]["error_code"]) == ("failed", "CONTENT_NOT_FOUND")
    await until_gone(ada)
    assert "Of the whole moon." in str((await project(ada))["content"])
