"""HTML made regular: only tags and attributes that may be shown, each ended where it must be, none deeper than a bound.

Parsers of HTML repair what is wrong in ways that cost the square of its size, or grow it so. What leaves here is right,
so they have nothing to repair; and it is never larger than its bound.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from typing import NamedTuple

from kit.text.lexer import End, Piece, Start, Text, end_of, plain

ENTITIES_IN_NODE = 256
MAX_DEPTH = 128  # browsers stop at 512; nobody writes so deep
# Of a tag by its name: those to keep; None for a tag that is not to be shown at all
Attributes = Callable[[str, Mapping[str, str]], Mapping[str, str] | None]

VOID = frozenset({"br", "hr", "img", "input", "source", "wbr"})
INLINE = frozenset({
    "a", "abbr", "b", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "picture", "ruby", "rb", "rp", "rt",
})  # fmt: skip
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
BLOCKS = HEADINGS | frozenset({
    "article", "aside", "blockquote", "center", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "footer",
    "header", "hr", "li", "nav", "ol", "p", "pre", "section", "summary", "table", "ul",
})  # fmt: skip
IN_TABLES = frozenset({"caption", "tbody", "td", "tfoot", "th", "thead", "tr"})
TAGS = VOID | INLINE | BLOCKS | IN_TABLES

# A start tag ends what is open of the same class, unless something that bars the class stands between.
_CLASSES = {
    "p": "p", "li": "li", "dd": "dd", "dt": "dd", "thead": "group", "tbody": "group", "tfoot": "group",
    "caption": "group", "tr": "row", "td": "cell", "th": "cell", "a": "a", **dict.fromkeys(HEADINGS, "heading"),
}  # fmt: skip
_CELL = ("p", "li", "dd", "a", "heading")
_BARS = {
    "ul": ("li",), "ol": ("li",), "dl": ("dd",), "table": (*_CELL, "group", "row", "cell"),
    "td": _CELL, "th": _CELL, "caption": _CELL, "tr": ("cell",),
    **dict.fromkeys(("thead", "tbody", "tfoot"), ("row", "cell")),
}  # fmt: skip
_FENCES = frozenset({"table", "td", "th", "caption"})  # an end tag inside reaches nothing outside, but their own parts


class _Open(NamedTuple):
    name: str
    nearest: Mapping[str, int]  # class → where on the stack the one is that a start tag of the class would end
    fence: int  # where on the stack the nearest one stands that no end tag inside reaches beyond


def tidy(html: Iterable[Piece], attributes: Attributes) -> Iterator[Piece]:
    """Balanced: each start tag but the void ones has its end tag, and they nest."""
    stack: list[_Open] = []
    where: dict[str, list[int]] = {name: [] for name in TAGS}  # on the stack, by name
    left_out = dict.fromkeys(TAGS, 0)  # start tags without a place, whose end tags must not end others

    def close(down_to: int) -> Iterator[Piece]:
        while len(stack) > down_to:
            name = stack.pop().name
            where[name].pop()
            yield end_of(name)

    for piece in html:
        if isinstance(piece, Text):
            yield piece
            continue
        if (name := piece.name) not in TAGS:
            continue
        top = stack[-1] if stack else _BOTTOM
        if isinstance(piece, End):
            if left_out[name]:
                left_out[name] -= 1
            elif where[name]:
                fence = where["table"][-1] if name == "table" or name in IN_TABLES else top.fence
                if where[name][-1] >= fence:
                    yield from close(where[name][-1])
            continue
        kept = attributes(name, piece.attributes)
        if kept is None or (name in IN_TABLES and not where["table"]):
            continue
        if top.nearest and (ended := [top.nearest[kind] for kind in _ENDED_BY[name] if kind in top.nearest]):
            yield from close(min(ended))
            top = stack[-1] if stack else _BOTTOM
        if top.name in _CELLS_IN and name not in IN_TABLES:  # parsers would put it before the table
            for part in _CELLS_IN[top.name]:
                yield plain(part)
                where[part].append(len(stack))
                stack.append(_opened(part, stack[-1], len(stack)))
            top = stack[-1]
        shown = piece if kept is piece.attributes else Start(name, kept)
        if name in VOID:
            yield shown
        elif len(stack) >= MAX_DEPTH:
            left_out[name] += 1
        else:
            yield shown
            where[name].append(len(stack))
            stack.append(_opened(name, top, len(stack)))
    yield from close(0)


_ENDED_BY = {
    name: tuple({_CLASSES.get(name, ""), "p" if name in BLOCKS else ""} - {""}) for name in TAGS
}  # a paragraph ends where any block begins
_CELLS_IN = {"table": ("tr", "td"), **dict.fromkeys(("thead", "tbody", "tfoot"), ("tr", "td")), "tr": ("td",)}
_BOTTOM = _Open("", {}, 0)


def _opened(name: str, outer: _Open, at: int) -> _Open:
    kind, nearest = _CLASSES.get(name), outer.nearest
    if barred := _BARS.get(name):
        nearest = {of: where for of, where in nearest.items() if of not in barred}
    if kind:
        nearest = {**nearest, kind: at}
    return _Open(name, nearest, at if name in _FENCES else outer.fence)


def written(html: Iterable[Piece], max_chars: int) -> str:
    """As text of at most so many characters: what is open where it is cut is still ended."""
    parts: list[str] = []
    open_now: list[str] = []
    room = max_chars
    for piece in html:
        if isinstance(piece, Text):
            part = _in_nodes(piece.raw[:room])
        elif isinstance(piece, End):
            part = f"</{piece.name}>"
            open_now.pop()
            room += len(part)  # was put by when it was opened
        else:
            part = _start(piece)
            ended = 0 if piece.name in VOID else len(piece.name) + 3
            if len(part) + ended > room:
                break
            room -= ended
            if ended:
                open_now.append(piece.name)
        parts.append(part)
        room -= len(part)
        if room <= 0:
            break
    parts.extend(f"</{name}>" for name in reversed(open_now))
    return "".join(parts)


def _in_nodes(text: str) -> str:
    """With comments, which nobody sees, between so many entities: the sanitiser takes the square of their number."""
    if text.count("&") <= ENTITIES_IN_NODE:
        return text
    parts = text.split("&")
    nodes = ("&".join(parts[at : at + ENTITIES_IN_NODE]) for at in range(0, len(parts), ENTITIES_IN_NODE))
    return "<!---->&".join(nodes)


def _start(tag: Start) -> str:
    if not tag.attributes:
        return f"<{tag.name}>"
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in tag.attributes.items())
    return f"<{tag.name}{attributes}>"
