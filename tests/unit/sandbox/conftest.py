from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.running import running


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxClient]:
    async with running() as client:
        yield client


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"User-Agent": "test"}) as session:
        yield session


@pytest.fixture
def github(sandbox: SandboxClient) -> str:
    return sandbox.environment["GITHUB_API_URL"]
