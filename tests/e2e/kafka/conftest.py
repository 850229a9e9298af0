import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import kit
from tests.e2e.kafka.rig import Rig


@pytest.fixture
async def rig(kafka: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(kafka, topic_prefix, tmp_path) as made:
        yield made


@pytest.fixture(autouse=True, scope="session")
def _mutant_in_place() -> None:
    """Under `test_mutations` the tests must see the mutant and not the real kit."""
    if mutant := os.environ.get("THRIVE_MUTANT"):
        assert Path(kit.__file__).is_relative_to(mutant)
