"""READMEs that are made to take all memory or all time cost nobody but their own page, in seven processes."""

from collections.abc import AsyncIterator

import pytest

from kit.mongo import Database
from sandbox.client import SandboxClient
from tests.e2e.member import Member, settled
from tests.e2e.stack import SANDBOX, Stack
from tests.unit.text.hostile import HOSTILE

pytestmark = pytest.mark.engines

SIZE = 480_000
READMES = {  # repository → of what its README is made; by its path it is in another markup each
    "nordlys-example/aurora-atlas": "substitutions",
    "kestrel-example/kestrel-queue": "attributes of AsciiDoc",
    "nordlys-example/ice-charts": repr("x::\n\n"),
    "papertrail-example/letterpress-notes": repr("https://a.b "),
    "tidewater-example/tidewatch": repr(">"),
    "mira-example/paper-lanterns": repr("|a|\n|-|\n"),
    "tidewater-example/lighthouse": "formats that reach over paragraphs",
    "juniper-example/sourdough-journal": repr("&#"),
}


@pytest.fixture
async def sandbox(stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stack.url(SANDBOX)) as client:
        yield client
        await client.reset()


async def test_hostile_texts_are_imported_beside_others(
    stack: Stack, db: Database, ada: Member, sandbox: SandboxClient
) -> None:
    for name, kind in READMES.items():
        await sandbox.change_repository(name, readme=HOSTILE[kind](SIZE)[:SIZE])
    links = [*READMES, "kestrel-example/atlas-monorepo"]
    tasks = {name: await ada.paste(f"https://github.com/{name}") for name in links}
    await settled(stack, db, *tasks.values())
    stack.check()  # none of the processes has ended

    for name, task_id in tasks.items():
        task = await ada.task(task_id)
        assert task["status"] == "completed", (name, task)
        project = await ada.get(f"/projects/{task['result']['project_id']}/")
        text = project["content"]["blocks"][-1]
        assert text["content"], name
        assert text["html"], name
