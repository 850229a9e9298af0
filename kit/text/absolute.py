"""The links of Markdown made absolute, and nothing else of it changed.

What is a link is decided by the parser alone. Wherever an address could begin, a mark is set before it; what comes out
of the parser as the address of a link or a picture begins with a mark, and its place in the source is known. Marks in
code, in text or inside another attribute come out there, and change nothing.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import NamedTuple

from kit.text import urls
from kit.text.lexer import Start, pieces
from kit.text.markdown import to_html

NOWHERE = "#"
MAX_MARKS = 50_000  # more are left as they are; their text may be as long as this lets it grow
Resolve = Callable[[str, bool], str | None]  # as `Places.resolve`

# A line that continues a link begins with nothing that could as well begin a block of its own.
_NEXT_LINE = r"""(?:\n[ \t>]*+(?![-+*=~`_|:#<]))?+[ \t]*+"""
_PLACE = re.compile(
    rf"""
      (?P<inline>\]\([ \t]*+{_NEXT_LINE}<?+(?=[^\s)>]))
    | (?P<define>\]:[ \t]*+{_NEXT_LINE}<?+(?=[^\s>]))
    | (?P<attribute>(?<![\w:-])(?:href|src|srcset|poster|action|formaction|data|background)
        \s*+=[ \t]*+(?:\n[ \t>]*+(?=["']))?+(?:["']|(?=[^\s"'>])))
    | (?P<auto><(?=[a-zA-Z][a-zA-Z0-9+.-]{{1,20}}:))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FINE = re.compile(r"(?:https?://|#|mailto:)", re.IGNORECASE)  # absolute already, so that the parser need not be asked
_PICTURES = frozenset({("img", "src"), ("img", "srcset"), ("source", "src"), ("source", "srcset"), ("video", "poster"),
    ("video", "src"), ("audio", "src"), ("input", "src"), ("td", "background"), ("table", "background")})  # fmt: skip
_ADDRESSES = frozenset({"href", "src", "srcset", "poster", "action", "formaction", "data", "background"})


class Place(NamedTuple):
    kind: str
    start: int  # where the address begins
    inside: str  # what it is enclosed in: "<", a quote, or nothing


class Found(NamedTuple):
    value: str  # as the parser understood it
    image: bool
    srcset: bool


def absolutise(text: str, resolve: Resolve) -> str:
    """What may not be followed leads nowhere."""
    places = list(_places(text, resolve))
    if not places:
        return text
    mark = _mark(text)
    found = _found(to_html(_marked(text, places, mark)), mark)
    parts: list[str] = []
    done = 0
    for number, place in enumerate(places):
        if number not in found or place.start < done:
            continue
        if (change := _change(text, place, found[number], resolve)) is not None:
            start, end, written = change
            parts += (text[done:start], written)
            done = end
    return "".join((*parts, text[done:]))


def _places(text: str, resolve: Resolve) -> Iterator[Place]:
    count = 0
    for match in _PLACE.finditer(text):
        kind = match.lastgroup or ""
        start = match.end()
        ahead = text[start : start + 200]
        if kind == "auto":
            if urls.scheme(ahead) in urls.LINK_SCHEMES:
                continue
        elif match[0][:6].lower() != "srcset" and _FINE.match(ahead) and not _changes(ahead, resolve):
            continue
        count += 1
        if count > MAX_MARKS:
            return
        last = text[start - 1]
        yield Place(kind, start, last if last in "<\"'" else "")


def _changes(ahead: str, resolve: Resolve) -> bool:
    """Whether an absolute address, if it is a picture's, becomes another one."""
    address = ahead.split(None, 1)[0]
    return address[:4].lower() == "http" and resolve(address, True) != address


def _mark(text: str) -> str:
    """Letters and digits that stand nowhere in the text: whoever knew them would have to know the text's own hash."""
    return f"z{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:10]}x"


def _marked(text: str, places: list[Place], mark: str) -> str:
    parts: list[str] = []
    done = 0
    for number, place in enumerate(places):
        parts += (text[done : place.start], f"{mark}{number}q")
        done = place.start
    return "".join((*parts, text[done:]))


def _found(html: str, mark: str) -> Mapping[int, Found]:
    """By the number of the mark. A definition that a picture uses is a picture's."""
    found: dict[int, Found] = {}
    marked = re.compile(rf"{mark}([0-9]+)q")
    for piece in pieces(html):
        if not isinstance(piece, Start):
            continue
        for name, value in piece.attributes.items():
            if name in _ADDRESSES and (begins := marked.match(value.lstrip())):
                number, image = int(begins[1]), (piece.name, name) in _PICTURES
                before = found.get(number)
                rest = marked.sub("", value.lstrip()[begins.end() :])
                found[number] = Found(rest, image or (before is not None and before.image), name == "srcset")
    return found


def _change(text: str, place: Place, found: Found, resolve: Resolve) -> tuple[int, int, str] | None:
    """(from, to, what stands there now); None where it stays."""
    if place.kind == "auto":
        return place.start - 1, place.start, "&lt;"
    start = place.start
    if found.srcset:
        new = ", ".join(f"{resolve(a, True) or NOWHERE} {size}".strip() for a, size in urls.candidates(found.value))
    else:
        new = resolve(found.value, found.image) or NOWHERE
    if new == found.value or (not found.srcset and new == urls.quoted(found.value)):
        return None
    if place.kind == "attribute":
        if place.inside:
            return start, _up_to(place.inside, text, start), escape(new)
        return start, _up_to(">", text, start, blanks=True), f'"{escape(new)}"'
    if place.inside == "<":
        return start, _end_of_enclosed(text, start), _in_markdown(new)
    return start, _end_of_bare(text, start), _in_markdown(new)


def _in_markdown(url: str) -> str:
    """So that it is read as it is meant: no entity, and brackets that match or none."""
    url = re.sub(r"&(?=#?\w+;)", "&amp;", url)
    if url.count("(") != url.count(")"):
        url = url.replace("(", "%28").replace(")", "%29")
    return url


def _up_to(what: str, text: str, start: int, *, blanks: bool = False) -> int:
    found = re.compile(rf"[\s{what}]" if blanks else what).search(text, start)
    return found.start() if found else len(text)


def _end_of_enclosed(text: str, start: int) -> int:
    at = start
    while at < len(text) and text[at] not in "<>\n":
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text))


def _end_of_bare(text: str, start: int) -> int:
    """As CommonMark has it: up to a blank or the bracket that it did not open."""
    at, depth = start, 0
    while at < len(text) and not (text[at] <= " " or text[at] == "\x7f"):
        if text[at] == "\\" and at + 1 < len(text) and not text[at + 1].isalnum() and text[at + 1] > " ":
            at += 2
            continue
        if text[at] == "(":
            depth += 1
        elif text[at] == ")":
            if not depth:
                break
            depth -= 1
        at += 1
    return min(at, len(text))
