"""The deliberate faults of the Kafka suite fit the code as it is, so that none of them rots until `make long`."""

from pathlib import Path

import pytest

from tests.e2e.kafka.mutants import MUTANTS, Mutant, grow


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_deliberate_fault_fits_the_code(mutant: Mutant, tmp_path: Path) -> None:
    grow(mutant, tmp_path)
