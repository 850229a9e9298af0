"""A model that is down while projects are made, and comes back: through every process."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kit.mongo import Database
from sandbox.client import SandboxClient
from tests.e2e.member import PATIENCE, Member, settled
from tests.e2e.stack import SANDBOX, Stack

pytestmark = pytest.mark.engines

LINKS = ("https://github.com/tidewater-example/tidewatch", "https://github.com/kestrel-example/kestrel-queue")


@pytest.fixture
async def sandbox(stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stack.url(SANDBOX)) as client:
        yield client
        await client.reset()


async def pages(member: Member) -> list[dict[str, Any]]:
    return [await member.get(f"/projects/{one['id']}/") for one in await member.projects()]


async def described_by_the_model(stack: Stack, member: Member, number: int) -> list[dict[str, Any]]:
    """Her projects, when the model has described that many."""
    async with asyncio.timeout(PATIENCE):
        while True:
            stack.check()
            projects = await pages(member)
            if [one["analysis_source"] for one in projects] == ["model"] * number:
                return projects
            await asyncio.sleep(0.2)


async def test_what_was_described_without_the_model_is_described_by_it_later_and_edits_stay(
    stack: Stack, sandbox: SandboxClient, ada: Member, db: Database
) -> None:
    await sandbox.fault("openai", status=500)
    tasks = [await ada.paste(link) for link in LINKS]
    await settled(stack, db, *tasks)
    first, second = await pages(ada)
    assert {one["analysis_source"] for one in (first, second)} == {"extractive"}
    assert await db.projects.count_documents({"user_id": ada.user_id, "analysis_degraded": True}) == 2
    await ada.patch(f"/projects/{first['id']}/", {"description": "In my own words."})

    await sandbox.heal()
    stack.settings |= {"REANALYSE_AFTER": "1", "REANALYSES_PER_HOUR": "36000"}
    stack.terminate("scheduler")
    stack.start("scheduler")
    stack.until_ready("scheduler")

    projects = {one["id"]: one for one in await described_by_the_model(stack, ada, 2)}
    await settled(stack, db)
    assert projects[first["id"]]["description"] == "In my own words."
    assert projects[second["id"]]["description"] != second["description"]
    assert {one["slug"] for one in projects.values()} == {first["slug"], second["slug"]}
    assert [entry["points"] for entry in await ada.points()] == [50, 50], "nothing is awarded twice"
    assert await db.notices.count_documents({"user_id": ada.user_id}) == 0
    assert await db.projects.count_documents({"user_id": ada.user_id, "analysis_degraded": True}) == 0
    assert await db.imports.count_documents({"user_id": ada.user_id}) == 4, "once for each, and no more"
