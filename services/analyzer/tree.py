"""HTML as its readers see it: headings, paragraphs and list items in their order, as words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from kit.text.lexer import End, Piece, Start, end_of, pieces, plain
from kit.text.tidy import TAGS, tidy, written
from services.analyzer.characters import ADDRESS, LESS, visible

MOST_LINKED = 0.6  # of a line that says something: beyond, it is a row of links
MOST_BOLD = 60  # characters of bold words that stand for a heading
MOST_HTML_CHARS = 1_000_000  # far more than a beginning that is read becomes


class Kind(Enum):
    TITLE = "title"
    HEADING = "heading"  # below the title; or a line of bold words that stands for one
    PARAGRAPH = "paragraph"
    QUOTE = "quote"
    ITEM = "item"


HEADINGS = frozenset((Kind.TITLE, Kind.HEADING))


@dataclass(frozen=True, slots=True)
class Block:
    """Words on one line, with `ADDRESS` where a bare address stood."""

    kind: Kind
    text: str
    is_cut: bool = False  # goes on where nobody has read


def html_blocks(html: str, *, keep_links: bool = False) -> Iterator[Block]:
    """Made as they are asked for. Lines that are rows of links are left out, unless they are to be kept.

    The parser is given regular HTML only: where it repairs what is never closed, 24 kB become four million nodes.
    """
    regular = written(tidy(_known(html), _classes), MOST_HTML_CHARS)
    if (root := LexborHTMLParser(regular).root) is not None:
        yield from _Reader(keep_links).read(root)


# No words at all, or none of what the document is about.
_SKIPPED_NAMES = """
    audio button canvas datalist del details dl embed figcaption form head iframe img input map math menu nav noscript
    object picture pre s script select strike style svg table template textarea title video -comment
"""
_BLOCK_NAMES = """
    address article aside blockquote body center dd div dt fieldset figure footer h1 h2 h3 h4 h5 h6 header hr html li
    main ol p section ul
"""
_SKIPPED, _BLOCKS = frozenset(_SKIPPED_NAMES.split()), frozenset(_BLOCK_NAMES.split())
_CLASSED = frozenset(("div", "section", "sup"))
_UNSAID = ("alert", "admonition", "footnote")  # in the names of classes
_UNKNOWN_SKIPPED, _UNKNOWN_BLOCKS = _SKIPPED - TAGS, _BLOCKS - TAGS  # to `tidy`
_KINDS = {"blockquote": Kind.QUOTE, "li": Kind.ITEM, "h1": Kind.TITLE} | dict.fromkeys(
    ("h2", "h3", "h4", "h5", "h6"), Kind.HEADING
)
_DASHES = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t:-]*)*")
_FIELDS = re.compile(r"[A-Z][\w -]{0,30}:[ \t][^\n]*(?:\n[ \t]*[A-Z][\w -]{0,30}:[ \t][^\n]*)+")  # the head of a mail
_BARE = re.compile(
    r"(?:https?://|ftp://|www\.)[!-~]*[^\s!-/:-@\[-`{-~]/?|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.[a-z]{2,24}",
    re.I,
)


class Span(NamedTuple):
    """Of a text, as one node has it."""

    text: str
    is_link: bool = False
    is_bold: bool = False
    is_code: bool = False


BREAK = Span("\r")


def _known(html: str) -> Iterator[Piece]:
    """What `tidy` does not know, as what it knows: blocks are divisions, and elements without words are left out as far
    as their end tag."""
    lower = html.lower()
    ended = {name for name in _UNKNOWN_SKIPPED if f"</{name}" in lower}
    inside, depth = "", 0
    for piece in pieces(html):
        name = piece.name if isinstance(piece, Start | End) else ""
        if inside:
            if name == inside:
                depth += 1 if isinstance(piece, Start) else -1
                inside = inside if depth else ""
        elif isinstance(piece, Start) and name in ended:
            inside, depth = name, 1
        elif name in _UNKNOWN_BLOCKS:
            yield plain("div") if isinstance(piece, Start) else end_of("div")
        else:
            yield piece


def _classes(name: str, attributes: Mapping[str, str]) -> Mapping[str, str]:
    return {"class": attributes["class"]} if name in _CLASSED and "class" in attributes else {}


class _Reader:
    """Goes through a tree without recursion, however deep it is."""

    def __init__(self, keep_links: bool) -> None:
        self._keep_links = keep_links
        self._pieces: list[Span] = []
        self._kinds: list[Kind] = []
        self._open = {"a": 0, "strong": 0, "b": 0, "code": 0}

    def read(self, root: LexborNode) -> Iterator[Block]:
        node: LexborNode | None = root
        while node is not None:
            tag = node.tag or ""
            inner = None
            if tag == "-text":
                self._pieces.append(self._piece(node.text_content or ""))
            elif tag == "br":
                self._pieces.append(BREAK)
            elif not _is_skipped(node, tag):
                yield from self._enter(tag)
                inner = node.first_child
                if inner is None:
                    yield from self._leave(tag)
            if inner is None:
                while node is not None and node is not root and (inner := node.next) is None:
                    node = node.parent
                    yield from self._leave(node.tag or "") if node is not None else ()
            node = inner

    def _piece(self, text: str) -> Span:
        inside = self._open
        return Span(text, inside["a"] > 0, inside["strong"] + inside["b"] > 0, inside["code"] > 0)

    def _enter(self, tag: str) -> Iterator[Block]:
        if tag in self._open:
            self._open[tag] += 1
        elif tag in _BLOCKS:
            yield from self._flush()
            if tag in _KINDS:
                self._kinds.append(_KINDS[tag])

    def _leave(self, tag: str) -> Iterator[Block]:
        if tag in self._open:
            self._open[tag] -= 1
        elif tag in _BLOCKS:
            yield from self._flush()
            if tag in _KINDS and self._kinds:
                self._kinds.pop()

    def _flush(self) -> Iterator[Block]:
        pieces, self._pieces = self._pieces, []
        kind = self._kinds[-1] if self._kinds else Kind.PARAGRAPH
        if all(it.is_code or not it.text.strip() for it in pieces):
            return  # a command, or nothing
        if text := _words(pieces, keep_links=self._keep_links or kind in HEADINGS):
            yield Block(Kind.HEADING if kind is Kind.PARAGRAPH and _is_bold_line(pieces, text) else kind, text)


def _is_bold_line(pieces: list[Span], text: str) -> bool:
    return len(text) <= MOST_BOLD and text[-1] not in ".!" and all(it.is_bold or not it.text.strip() for it in pieces)


def _is_skipped(node: LexborNode, tag: str) -> bool:
    if tag in _SKIPPED:
        return True
    if tag not in _CLASSED:
        return False
    classes = node.attributes.get("class") or ""
    return any(name in classes for name in _UNSAID)


def _words(pieces: list[Span], *, keep_links: bool) -> str:
    """Of one block. Lines between breaks that are rows of links, and tables, are left out."""
    said: list[str] = []
    line: list[Span] = []
    for piece in (*pieces, BREAK):
        if piece is not BREAK:
            line.append(piece)
            continue
        text = "".join(it.text for it in line)
        linked = sum(len(it.text.strip()) for it in line if it.is_link)
        if text.strip() and (keep_links or linked <= MOST_LINKED * len(text.strip())):
            said.append(one_line(text))
        line = []
    return " ".join(part for part in said if part)


def one_line(text: str) -> str:
    if "\n" in text and _FIELDS.fullmatch(text.strip()):
        return ""
    if "|" in text and "-" in text:
        text = _above_a_table(text)
    if "://" in text or "@" in text or "www." in text.lower():
        text = _BARE.sub(ADDRESS, text)
    return " ".join(visible(text).replace(LESS, "<").split())


def _above_a_table(text: str) -> str:
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if "|" in line and _DASHES.fullmatch(line):
            return "\n".join(lines[: max(at - 1, 0)])
    return text
