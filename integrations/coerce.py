"""Upstream values made fit for an `Item`: typed, bounded, without control characters. Nothing here raises."""

import unicodedata
from collections.abc import Iterable
from typing import Any

from kit.text.characters import printable

MAX_INT = 2**63 - 1  # what MongoDB keeps
MAX_TAG_CHARS = 60
MAX_TAGS = 50
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols by their category


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_int(value: Any) -> int | None:
    """From a number or a string of digits; YouTube counts in strings."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return value if type(value) is int and 0 <= value <= MAX_INT else None


def as_text(value: Any, limit: int | None = None) -> str:
    """Text of several lines, each ended by a newline alone."""
    if not isinstance(value, str):
        return ""
    return printable(value)[:limit]


def as_line(value: Any, limit: int = 300) -> str:
    """Text on one line, without blanks around it."""
    return " ".join(as_text(value).split())[:limit].strip()


def as_title(value: Any, limit: int = 300) -> str:
    """A line that shows something; empty where it has only blanks, however they are called, and marks."""
    line = as_line(value, limit)
    return line if any(unicodedata.category(char)[0] in "LNPS" and char not in _BLANKS for char in line) else ""


def as_tags(values: Iterable[Any]) -> tuple[str, ...]:
    """Distinct and in order."""
    tags = (as_line(value, MAX_TAG_CHARS) for value in values)
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:MAX_TAGS]
