"""Upstream values made fit: bounded, typed, readable."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.coerce import as_int, as_line, as_tags, as_text

ANY = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists)


@given(ANY)
def test_any_value_is_made_fit(value: Any) -> None:
    assert len(as_line(value, 10)) <= 10
    assert "\n" not in as_line(value)
    as_text(value).encode()
    number = as_int(value)
    assert number is None or 0 <= number < 2**63


def test_text_loses_controls_and_keeps_lines() -> None:
    assert as_text("a\r\nb\rc\td\x00\x1b[0m\u202e\ud800e") == "a\nb\nc\td[0me"
    assert as_line("  a \n\t b\x07 ") == "a b"


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), ("3", 3), (-1, None), (True, None), (1.5, None), ("x", None), ("٣", None), (2**63, None),
     ("9" * 5_000, None)],
)  # fmt: skip
def test_numbers(value: Any, number: int | None) -> None:
    assert as_int(value) == number


def test_tags_are_distinct_bounded_and_never_empty() -> None:
    assert as_tags([" a ", "a", "", None, 3, "b" * 99]) == ("a", "b" * 60)
    assert len(as_tags(str(n) for n in range(99))) == 50
