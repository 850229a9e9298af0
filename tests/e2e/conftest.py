"""The whole stack, once per module: `stack` is every service as a process, ready to serve."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from kit.mongo import Database
from tests.conftest import Engines
from tests.e2e.member import Member
from tests.e2e.stack import Stack


@pytest.fixture(scope="module")
def stack(engines_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """On engines of its own: topics have fixed names, and the tests kill what they like."""
    with ExitStack() as exits:
        engines = Engines(engines_dir, exits)
        with ThreadPoolExecutor(2) as pool:
            kafka, mongo = pool.submit(engines.kafka), pool.submit(engines.mongo)
        folder = tmp_path_factory.mktemp("stack")
        yield exits.enter_context(Stack(kafka.result(), mongo.result(), folder))


@pytest.fixture
async def db(stack: Stack) -> AsyncIterator[Database]:
    database = stack.database()
    yield database
    await database.client.close()


@pytest.fixture
async def ada(stack: Stack) -> AsyncIterator[Member]:
    async with Member(stack, f"ada-{uuid4().hex[:6]}") as member:
        yield member
