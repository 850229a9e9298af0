"""An item's text as blocks of words. Only its beginning is read.

GitHub's dialect of Markdown is parsed by comrak, and the HTML in it or of it by Lexbor. Code, comments, pictures,
tables, alerts, footnotes and definitions of links are no words.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import comrak

from schemas.content import Item
from services.analyzer import angles
from services.analyzer.characters import LESS
from services.analyzer.tree import Block, Kind, html_blocks, one_line

_MOST_FOOTNOTES = 200
# Of definitions that stand farther down: how many, and how long, and how far.
_MOST_DEFINITIONS, _LONGEST_DEFINITION, _FARTHEST = 100, 500, 100_000


def _extensions() -> comrak.ExtensionOptions:
    options = comrak.ExtensionOptions()
    for name in ("alerts", "autolink", "footnotes", "shortcodes", "strikethrough", "tasklist"):
        setattr(options, name, True)
    return options  # No tables, of which 12 kB become 40 MB: they stay a paragraph, known by its row of dashes


def _rendering() -> comrak.RenderOptions:
    options = comrak.RenderOptions()
    options.unsafe_ = True  # HTML is the HTML parser's; it is read here, and shown nowhere
    return options


_EXTENSIONS, _RENDERING = _extensions(), _rendering()
# The keys of a file's front matter, which is no Markdown; a rule above some text is none.
_FRONT_MATTER = re.compile(r"(?:---[ \t]*\n\s*(?:[\w\"'-][^\n:]*:(?=\s)|#)|\+\+\+[ \t]*\n)")
_FRONT_MATTER_END = re.compile(r"^(?:---|\.\.\.|\+\+\+)[ \t]*$", re.M)
_BLANK_LINES = re.compile(r"\n[ \t]*\n")
_RULER = re.compile(r"([=\-~^\"'`#*+.])\1{2,}")
# Of reStructuredText, AsciiDoc, Org, Textile and wikis; and lines that are indented, as code and columns are.
_MARKUP = re.compile(r"^(?:[ \t]|[^\w`*(\"'“«]|h[1-6]\.|bq\.|\*+[ \t])|::|\[\[|\{|link:|image:|xref:|<<|\|", re.M)
# Signs around words that all of these have, and those after a reference.
_SIGNS = re.compile(r"`{1,2}([^`\n]{1,300})`{1,2}_{0,2}|(?<!\w)\*{1,2}([^*\n]{1,300})\*{1,2}(?!\w)|(?<=\w)_{1,2}(?!\w)")
# Deeper than anybody quotes: the parsers' time grows with the square of the depth.
_QUOTED = re.compile(r"^((?:[ \t]{0,3}>){12})[ \t>]+", re.M)


def blocks_of(item: Item, window: int) -> Iterator[Block]:
    """Of an item's text: of what its upstream made of it, where that is known; else of Markdown, or of plain lines."""
    if item.text_html:
        blocks, is_cut = html_blocks(item.text_html[: 2 * window]), len(item.text_html) > 2 * window
    elif item.text_format == "markdown":
        text = _without_front_matter(item.text)
        end, is_cut = _beginning(text, window)
        blocks = markdown_blocks(text, end)
    else:
        end, is_cut = _beginning(item.text, window)
        blocks = plain_blocks(item.text[:end])
    return _with_its_end_cut(blocks) if is_cut else blocks


def plain_blocks(text: str) -> Iterator[Block]:
    """Of a text in whatever markup: the paragraphs that have little. Rulers below a line make it a heading."""
    for paragraph in _BLANK_LINES.split(text):
        lines = paragraph.strip("\n").split("\n")
        if _RULER.fullmatch(lines[-1].strip()):
            yield Block(Kind.HEADING, one_line(lines[-2] if len(lines) > 1 else ""))
        elif not _MARKUP.search(paragraph) and (words := one_line(_SIGNS.sub(r"\1\2", paragraph))):
            yield Block(Kind.PARAGRAPH, words)


def markdown_blocks(text: str, end: int) -> Iterator[Block]:
    """Of what is before `end`, with the definitions of its links and footnotes, which mostly stand last in a file."""
    part = text[:end]
    if end < len(text) and "[" in part:
        part = "\n\n".join((part, *_definitions(text, end)))
    if part.count("[^") > _MOST_FOOTNOTES:  # of which the parser takes the square
        part = part.replace("[^", "[")
    return html_blocks(to_html(angles.kept_generics(part.replace(LESS, " "))))


def to_html(markdown: str) -> str:
    return str(comrak.render_markdown(_QUOTED.sub(r"\1 ", markdown), _EXTENSIONS, None, _RENDERING))


def _without_front_matter(text: str) -> str:
    if (keys := _FRONT_MATTER.match(text)) and (end := _FRONT_MATTER_END.search(text, keys.end())):
        return text[end.end() :]
    return text


def _beginning(text: str, window: int) -> tuple[int, bool]:
    """Where it ends: at the last blank line within the window; where there is none, within a block, and True."""
    if len(text) <= window:
        return len(text), False
    end = text.rfind("\n\n", window // 2, window)
    return (end, False) if end > 0 else (window, True)


def _with_its_end_cut(blocks: Iterator[Block]) -> Iterator[Block]:
    last = next(blocks, None)
    for block in blocks:
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield replace(last, is_cut=True)


def _definitions(text: str, start: int) -> Iterator[str]:
    for _ in range(_MOST_DEFINITIONS):
        if (at := text.find("]:", start, start + _FARTHEST)) < 0:
            return
        line_end = text.find("\n", at)
        start = line_end if line_end >= 0 else len(text)
        line = text[text.rfind("\n", 0, at) + 1 : start]
        if len(line) <= _LONGEST_DEFINITION and line.lstrip(" ").startswith("["):
            yield line
