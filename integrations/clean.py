"""Upstream values made fit for an `Item`: typed, bounded, without control characters. Nothing here raises."""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

MAX_INT = 2**63 - 1  # what MongoDB keeps
MAX_TAG_CHARS = 60
MAX_TAGS = 50
# Controls except tab and newline, lone surrogates, byte order marks, and what turns the direction of text around
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols by their category
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


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
    return _UNWANTED.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))[:limit]


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


def decode(data: bytes) -> str:
    """Text in whatever encoding its author's editor chose: by its mark, else UTF-8, else UTF-16 or Windows-1252.

    Some broken bytes in a text that is UTF-8 otherwise, or a last character cut in two, cost only themselves.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    nulls = data.count(0)
    if nulls > len(data) // 4:
        return data.decode("utf-16-le" if data[1::2].count(0) * 2 > nulls else "utf-16-be", "replace")
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if not broken or broken * 10 <= sum(char > "\x7f" for char in text) - broken:
        return text.removesuffix("\ufffd")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
