"""Markdown to HTML by GitHub's own parser, not yet sanitised. Linear in its input, in time and size."""

import re

from cmarkgfm import markdown_to_html_with_extensions
from cmarkgfm.cmark import Options

_OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES  # HTML in it stays: what it may do is decided later
_EXTENSIONS = ("table", "autolink", "strikethrough", "tasklist")
MAX_CHARS = 3 * 1024 * 1024  # of HTML; more of it is never shown
MOST_GROWN = 64 * 1024  # characters; a table of a few kilobytes can have half a million cells
MAX_FRONT_MATTER_CHARS = 16_384
_OPENS = re.compile(r"---[ \t]*\n")
_CLOSES = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
_KEY = re.compile(r"^[\w.\"'-]{1,100}[ \t]*:(?:[ \t]|$)", re.MULTILINE)


def to_html(text: str) -> str:
    html: str = markdown_to_html_with_extensions(_front_matter_shown(text), _OPTIONS, _EXTENSIONS)
    return html[: min(MOST_GROWN + 8 * len(text), MAX_CHARS)]


def front_matter(text: str) -> str:
    """The block of YAML that a file may begin with, its fences included; empty where there is none."""
    if not (opening := _OPENS.match(text)):
        return ""
    closing = _CLOSES.search(text, opening.end(), MAX_FRONT_MATTER_CHARS)
    if closing is None or not _KEY.search(text, opening.end(), closing.start()):
        return ""
    return text[: closing.end()]


def _front_matter_shown(text: str) -> str:
    """As code: read as Markdown it would be a heading."""
    if not (block := front_matter(text)):
        return text
    lines = block.rstrip("\n").split("\n")[1:-1]
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", block)), 3)
    return "\n".join((f"{fence}yaml", *lines, fence, "", text[len(block) :]))
