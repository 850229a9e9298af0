import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.running import running
from tests.recordings import HERE, MISSING, ROOT


class Recordings:
    """What the real services answered, read where it lies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str) -> Any:
        return json.loads((self.folder / name).read_bytes())

    def all_in(self, folder: str) -> list[Any]:
        return [json.loads(file.read_bytes()) for file in sorted((self.folder / folder).glob("*.json"))]

    def exchange(self, name: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers by lower-case name, and body of a recorded exchange."""
        response = self.load(name)["response"]
        headers = {key.lower(): value for key, value in response["headers"].items()}
        return response["status"], headers, response.get("body")


@pytest.fixture
def recordings() -> Recordings:
    if not HERE:
        pytest.skip(MISSING)
    return Recordings(ROOT)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxClient]:
    async with running() as client:
        yield client


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"User-Agent": "contract-test"}) as session:
        yield session
