import os
from pathlib import Path

import pytest

import kit


@pytest.fixture(autouse=True, scope="session")
def _mutant_in_place() -> None:
    """Under `test_mutations` the tests must see the mutant and not the real kit."""
    if mutant := os.environ.get("THRIVE_MUTANT"):
        assert Path(kit.__file__).is_relative_to(mutant)
