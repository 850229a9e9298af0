"""Every kind of text that is made to be slow, and the worst of them at the largest size that is imported."""

import pytest

from tests.unit.text.hostile import HOSTILE
from tests.unit.text.test_linear import FUNCTIONS, PARSING, WORST, check, no_collections

__all__ = ["no_collections"]  # a fixture for each of these


@pytest.mark.long
@pytest.mark.parametrize("name", PARSING)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_takes_more_than_its_size(name: str, hostile: str) -> None:
    check(FUNCTIONS[name], HOSTILE[hostile], 16 * 1024, 8)


@pytest.mark.long
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("hostile", WORST)
def test_nor_does_a_mebibyte(name: str, hostile: str) -> None:
    check(FUNCTIONS[name], HOSTILE[hostile], 128 * 1024, 8)
