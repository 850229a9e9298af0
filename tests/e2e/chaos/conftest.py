"""A stack whose faults are missed soon, and the story of its members."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from kit.mongo import Database
from sandbox.client import SandboxClient
from tests.conftest import Engines
from tests.e2e.chaos.story import Story
from tests.e2e.member import Member
from tests.e2e.stack import SANDBOX, Stack

MEMBERS = 3
SEED = 20_261_130
# A log that was cut short takes acknowledged events with it, and only their silence tells.
SOON = {"STALLED_AFTER": "15", "LIMIT_OTHERS": "10000"}


@pytest.fixture
def stack(engines_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Of the test's own: what others did would be published again."""
    with ExitStack() as exits:
        engines = Engines(engines_dir, exits)
        with ThreadPoolExecutor(2) as pool:
            kafka, mongo = pool.submit(engines.kafka), pool.submit(engines.mongo)
        made = Stack(kafka.result(), mongo.result(), tmp_path_factory.mktemp("chaos"))
        made.settings |= SOON
        yield exits.enter_context(made)


@pytest.fixture
async def db(stack: Stack) -> AsyncIterator[Database]:
    """With upstreams slow and uneven enough that imports stand at every stage when something breaks."""
    database = stack.database()
    async with SandboxClient(stack.url(SANDBOX)) as sandbox:
        await sandbox.latency(github=0.1, youtube=0.1, openai=0.2)
        yield database
    await database.client.close()


@pytest.fixture
async def story(stack: Stack, db: Database) -> AsyncIterator[Story]:
    async with AsyncExitStack() as exits:
        run = uuid4().hex[:6]
        members = [await exits.enter_async_context(Member(stack, f"m{n}-{run}")) for n in range(MEMBERS)]
        yield Story(stack, db, members, SEED)
