"""`kill -9` for everything once, in the middle of 300 imports or more: nothing accepted is lost and nothing doubles."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import count, islice
from uuid import uuid4

import pytest

from kit.mongo import Database
from sandbox.client import SandboxClient
from tests.e2e.member import PATIENCE, Member, settled
from tests.e2e.stack import SANDBOX, STAGES, Stack

pytestmark = pytest.mark.engines

IMPORTS = 300  # at least
MEMBERS = 3
EVERY_NTH_IS_ABSENT = 30  # a repository that nobody can see: its import fails, and earns nothing
AT_ONCE = 10  # requests of the clients
FLOWING = 5  # imports that ended, from which we know that all stages are at work


@pytest.fixture
async def db(stack: Stack) -> AsyncIterator[Database]:
    """With upstreams slow and uneven enough that imports stand at every stage when something is killed."""
    database = stack.database()
    async with SandboxClient(stack.url(SANDBOX)) as sandbox:
        await sandbox.latency(github=0.1, youtube=0.1, openai=0.2)
        await sandbox.fault("openai", "delay", delay=2, probability=0.5)
        yield database
        await sandbox.reset()
    await database.client.close()


class Load:
    """Links of three members, pasted in portions; some are repositories, some videos, some lead nowhere."""

    def __init__(self, stack: Stack, db: Database, members: list[Member], first: int) -> None:
        self._stack, self._db, self.members = stack, db, members
        self._links = self._made(first)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._pasting: set[asyncio.Task[None]] = set()

    def _made(self, first: int) -> Iterator[tuple[Member, str]]:
        for n in count():
            number = first + n
            link = f"https://github.com/load/{number}" if n % 2 else f"https://youtu.be/ld{number:09d}"
            if n % EVERY_NTH_IS_ABSENT == 0:
                link = f"https://github.com/load/absent-{number}"
            yield self.members[n % MEMBERS], link

    async def paste(self, links: int) -> None:
        """Returns when a third of them is accepted; the rest follows meanwhile."""
        enough = asyncio.Event()
        accepted = Counter[str]()

        async def one(member: Member, link: str) -> None:
            async with self._room:
                await member.paste(link)
            accepted["all"] += 1
            if accepted["all"] * 3 >= links:
                enough.set()

        started = [asyncio.create_task(one(*pair)) for pair in islice(self._links, links)]
        self._pasting.update(started)
        async with asyncio.timeout(PATIENCE):
            await enough.wait()

    async def flow(self, links: int) -> None:
        """Paste more; returns when some imports have just passed all the stages and others are on their way."""
        before = await self._count(active=False)
        await self.paste(links)
        async with asyncio.timeout(PATIENCE):
            while await self._count(active=False) < before + FLOWING or not await self._count(active=True):
                self._stack.check()
                if all(pasting.done() for pasting in self._pasting) and not await self._count(active=True):
                    await self.paste(FLOWING)  # the stages were quicker than the clients
                await asyncio.sleep(0.02)

    async def _count(self, *, active: bool) -> int:
        return await self._db.imports.count_documents({"active": active})

    async def end(self) -> None:
        """The rest of the links, and then every import to its end."""
        if (rest := IMPORTS - len(self._pasting)) > 0:
            await self.paste(rest)
        await asyncio.gather(*self._pasting)
        await settled(self._stack, self._db)

    async def verify(self) -> None:
        for member in self.members:
            links = member.tasks
            assert len(links) >= IMPORTS // MEMBERS
            tasks = [await member.task(task_id) for task_id in links.values()]
            told = Counter((task["status"], task.get("error_code"), task.get("points")) for task in tasks)
            absent = [link for link in links if "absent" in link]
            assert told == Counter(
                {
                    ("completed", None, 50): len(links) - len(absent),
                    ("failed", "CONTENT_NOT_FOUND", None): len(absent),
                }
            )
            projects = await member.projects()
            urls = Counter(project["external_url"] for project in projects)
            assert urls == Counter(task["url"] for task in tasks if task["status"] == "completed"), "one per link"
            entries = await member.points()
            assert Counter(entry["project_id"] for entry in entries) == Counter(p["id"] for p in projects)
            assert {entry["points"] for entry in entries} == {50}
            mine = {"user_id": member.user_id}
            assert await self._db.imports.count_documents(mine) == len(links), "an Idempotency-Key is one task"


@pytest.fixture
async def load(stack: Stack, db: Database) -> AsyncIterator[Load]:
    async with AsyncExitStack() as exits:
        run = uuid4().hex[:6]
        members = [await exits.enter_async_context(Member(stack, f"m{n}-{run}")) for n in range(MEMBERS)]
        yield Load(stack, db, members, first=int(run, 16))


async def test_everything_is_killed_once_and_every_import_ends_once(stack: Stack, load: Load) -> None:
    engines = {"kafka": stack.kafka, "mongod": stack.mongo}

    def kill9(name: str) -> None:
        engines[name].kill9() if name in engines else stack.kill9(name)

    def revive(name: str) -> None:
        if name in engines:
            engines[name].start()
        else:
            stack.start(name)
            stack.until_ready(name)

    victims = (*STAGES, "kafka", "scheduler", "gateway", "mongod")
    portion = IMPORTS // (len(victims) + 1)
    await load.flow(portion)
    for name in victims:
        await asyncio.to_thread(kill9, name)
        await asyncio.gather(load.paste(portion // 2), asyncio.to_thread(revive, name))
        await load.flow(portion - portion // 2)
    await load.end()
    await load.verify()
    assert sum(member.retries for member in load.members) > 0, "clients met a gateway that was away"


async def test_two_fetchers_join_and_leave_and_every_import_ends_once(stack: Stack, load: Load) -> None:
    def join(name: str) -> None:
        stack.start(name)
        stack.until_ready(name)

    leave, crash = stack.terminate, stack.kill9
    moves = (
        (join, "fetcher-2"),
        (leave, "fetcher"),
        (join, "fetcher"),
        (crash, "fetcher-2"),
        (join, "fetcher-2"),
        (crash, "fetcher"),
        (join, "fetcher"),
        (leave, "fetcher-2"),
    )
    portion = IMPORTS // (len(moves) + 1)
    await load.flow(portion)
    for move, name in moves:
        await asyncio.gather(asyncio.to_thread(move, name), load.paste(portion // 2))
        await load.flow(portion - portion // 2)
    await load.end()
    await load.verify()
