"""Plain text and what it takes to show it: as it is in HTML, or as Markdown that shows just that."""

import re
from collections.abc import Iterator
from html import escape as in_html

from kit.text import policy
from kit.text.urls import MAX_CHARS

# What quotes an address, and the signs of scripts that put no blank after it. An address that is copied from a browser
# has them percent-encoded.
_AROUND = "“”„«»‹›「」『』【】《》〈〉（）。、，；！？…\u200b"
_URL = re.compile(rf"https?://[^\s<>\"{_AROUND}]{{1,{MAX_CHARS}}}")
_ENDS = frozenset(".,;:!?'*‘’")  # of a sentence, not of an address
_PAIRS = {")": "(", "]": "[", "}": "{"}
_SPECIAL = re.compile(r"[\\`*_\[\]<>~|&]")
_AT_LINE_START = re.compile(r"(#{1,6}(?=\s|$)|[-+=]|\d{1,9}(?=[.)]))")
NO_BREAK = "\u00a0"


def addresses(text: str) -> Iterator[tuple[int, int]]:
    """Where the addresses in it are. One ends before what ends its sentence, or closes what was opened before it."""
    for found in _URL.finditer(text):
        end, last = _end(found[0]), found.start()
        if end > len("https://"):
            yield last, last + end


def linked(text: str, max_chars: int) -> str:
    """As HTML, with links; cut where it would be longer."""
    parts: list[str] = []
    room, done = max_chars, 0
    for start, end in addresses(text):
        address = in_html(text[start:end])
        part = f'{in_html(text[done:start])}<a href="{address}" rel="{policy.REL}">{address}</a>'
        if len(part) > room:
            break
        parts.append(part)
        room, done = room - len(part), end
    parts.append(in_html(text[done : done + room])[:room])
    return "".join(parts)


def as_markdown(text: str) -> str:
    """Lines and columns kept, links clickable, nothing else special."""
    lines = ("".join(_escaped(line.rstrip())) for line in text.split("\n"))
    return re.sub(r"(?<=[^\n])\n(?=[^\n])", "  \n", "\n".join(lines))


def _escaped(line: str) -> Iterator[str]:
    done = 0
    for start, end in addresses(line):
        yield _escaped_words(line[done:start], at_line_start=done == 0)
        yield f"<{line[start:end]}>"
        done = end
    yield _escaped_words(line[done:], at_line_start=done == 0)


def _escaped_words(words: str, *, at_line_start: bool) -> str:
    indent = len(words) - len(words.lstrip()) if at_line_start else 0
    escaped = _SPECIAL.sub(r"\\\g<0>", words[indent:])
    if at_line_start and not indent and (marker := _AT_LINE_START.match(escaped)):
        cut = marker.end() if marker[0].isdigit() else 0
        escaped = f"{escaped[:cut]}\\{escaped[cut:]}"
    kept = re.sub(r"[ \t]{2,}", lambda blanks: NO_BREAK * len(blanks[0].expandtabs(4)), escaped)
    return NO_BREAK * len(words[:indent].expandtabs(4)) + kept


def _end(address: str) -> int:
    """How much of it is the address: brackets that it does not open are not closed by it either."""
    surplus = {shut: address.count(shut) - address.count(opens) for shut, opens in _PAIRS.items()}
    end = len(address)
    while end:
        last = address[end - 1]
        if last in _PAIRS and surplus[last] > 0:
            surplus[last] -= 1
        elif last not in _ENDS:
            break
        end -= 1
    return end
