"""Every record of every topic is published again, in random order, when all has ended: nothing comes of it.

What was deleted stays deleted, what had failed stays failed and makes no project, nobody earns anything twice, and
nothing that has ended is asked of an upstream again.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from kit.mongo import Database
from sandbox.client import SandboxClient
from schemas.events import ContentFetched, ImportRequested, ProjectDrafted
from tests.e2e.member import Member, settled
from tests.e2e.republish import all_again, read_through, republish
from tests.e2e.stack import SANDBOX, Stack

pytestmark = pytest.mark.engines

REPOSITORY = "https://github.com/load/{}"
SEED = 9


@pytest.fixture
async def sandbox(stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stack.url(SANDBOX)) as client:
        yield client
        await client.reset()


async def delete(ada: Member, task_id: str) -> str:
    """Of the project that this task made; its id."""
    project_id: str = (await ada.task(task_id))["result"]["project_id"]
    await ada.delete(f"/projects/{project_id}/")
    return project_id


async def everything(db: Database, ada: Member) -> dict[str, Any]:
    """What a member could see, and what nobody should have touched."""
    mine = {"user_id": ada.user_id}
    tasks = await db.imports.find(mine, {"state": 1, "points": 1, "error": 1, "version": 1}).sort("_id").to_list()
    projects = await db.projects.find(mine, {"updated_at": 1, "created_by": 1}).sort("_id").to_list()
    return {"imports": tasks, "projects": projects, "points": await db.points.find(mine).sort("_id").to_list()}


async def test_nothing_comes_of_what_has_ended(stack: Stack, db: Database, ada: Member, sandbox: SandboxClient) -> None:
    broken = await sandbox.fault("github", "error", status=404, path="/repos/load/501")
    tasks = [await ada.paste(REPOSITORY.format(number)) for number in range(501, 513)]
    await settled(stack, db, *tasks)
    await sandbox.heal(broken)  # what failed would be found now
    failed, deleted, anew, *kept = tasks
    assert (await ada.task(failed))["status"] == "failed"
    await delete(ada, deleted)
    again = await delete(ada, anew)
    new = await ada.paste(REPOSITORY.format(503))
    await settled(stack, db, new)
    assert ((await ada.task(new))["points"], (await ada.task(new))["result"]["project_id"]) == (0, again)
    await read_through(stack)
    before, calls = await everything(db, ada), await sandbox.calls("github")
    assert len(before["projects"]) == len(kept) + 1
    assert len(before["points"]) == len(kept) + 2

    for round_ in range(2):
        assert await all_again(stack, SEED + round_) > len(tasks) * 6
        await read_through(stack)
    assert await everything(db, ada) == before
    assert await sandbox.calls("github") == calls, "an upstream is not asked for what has ended"


async def test_what_is_on_its_way_when_its_project_is_deleted_ends_and_makes_none(
    stack: Stack, db: Database, ada: Member, sandbox: SandboxClient
) -> None:
    first = await ada.paste(REPOSITORY.format(520))
    await settled(stack, db, first)
    project_id = await delete(ada, first)
    # A refresh that began before the deletion: its import is older than that.
    await db.imports.update_one(
        {"_id": UUID(first)}, {"$set": {"state": "processing", "progress": 3, "active": True}, "$unset": {"result": ""}}
    )
    drafted = [it for it in await stack.records(ProjectDrafted.topic) if first.encode() in it.value]
    await republish(stack, drafted)
    await settled(stack, db, first)
    task = await ada.task(first)
    assert (task["status"], task["error_code"], task["action"]) == ("failed", "CONTENT_NOT_FOUND", "retry")
    assert await db.projects.count_documents({"_id": UUID(project_id)}) == 0


async def test_what_other_systems_publish_is_imported_once_and_again_under_a_new_id(
    stack: Stack, db: Database, ada: Member, sandbox: SandboxClient
) -> None:
    async def publish(number: int) -> list[Any]:
        ours = [it for it in await stack.records(ImportRequested.topic) if ada.user_id.encode() in (it.key or b"")]
        event = ImportRequested.model_validate_json(ours[0].value)
        ids = {"id": UUID(int=number), "import_id": UUID(int=number + 1)}
        ours[0].value = event.model_copy(update=ids).model_dump_json().encode()
        ours[0].headers = ()
        await republish(stack, ours[:1])
        await settled_as(stack, db, UUID(int=number + 1))
        return ours[:1]

    await settled(stack, db, task := await ada.paste(REPOSITORY.format(530)))
    theirs = await publish(5_000)
    calls = await sandbox.calls("github")
    await republish(stack, theirs)
    await read_through(stack)
    assert await sandbox.calls("github") == calls, "theirs has ended as well"
    project_id = UUID(await delete(ada, task))
    await republish(stack, theirs)
    await republish(stack, [it for it in await stack.records(ContentFetched.topic) if b"load/530" in it.value])
    await read_through(stack)
    assert await db.projects.count_documents({"_id": project_id}) == 0
    await publish(6_000)
    assert await db.projects.count_documents({"_id": project_id}) == 1, "what they ask for after the deletion is made"
    assert [entry["points"] for entry in await ada.points()] == [50]


async def settled_as(stack: Stack, db: Database, import_id: UUID) -> None:
    """Once another system's import is known at all."""
    while not await db.imports.find_one({"_id": import_id}):
        stack.check()
        await asyncio.sleep(0.1)
    await settled(stack, db, str(import_id))
