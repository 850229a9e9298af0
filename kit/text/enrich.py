"""What GitHub adds to rendered Markdown: anchors of headings, alerts, emoji."""

import re
from collections.abc import Iterable
from html import unescape

from kit.text.emoji import with_emoji
from kit.text.lexer import End, Piece, Start, Text
from kit.text.policy import PREFIX
from kit.text.tidy import HEADINGS

VERBATIM = frozenset({"code", "kbd", "pre", "samp", "tt"})
ALERT = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*(?:\n|\Z)", re.IGNORECASE)
_NOT_IN_SLUGS = re.compile(r"[^\w\- ]")
MAX_SLUG_CHARS = 200


def enriched(html: Iterable[Piece]) -> list[Piece]:
    """Of balanced HTML."""
    made: list[Piece] = []
    verbatim = 0
    heading, title = -1, list[str]()  # where in `made` it was opened, and its text so far
    taken: dict[str, int] = {}
    quotes: list[tuple[int, bool]] = []  # the quotes that are open: where in `made`, and whether they are alerts
    for piece in html:
        if isinstance(piece, Text):
            if verbatim:
                title.append(piece.raw)
                made.append(piece)
                continue
            text = piece.raw
            if quotes and (alert := _alert(made, quotes[-1][0], text)):
                kind, text = alert[1].lower(), text[alert.end() :]
                quotes[-1] = (quotes[-1][0], True)
                made[quotes[-1][0]] = Start("div", {"class": f"markdown-alert markdown-alert-{kind}"})
                paragraph = made.pop()
                made += (Start("p", {"class": "markdown-alert-title"}), Text(kind.capitalize()), End("p"), paragraph)
            text = with_emoji(text)
            title.append(text)
            made.append(Text(text))
            continue
        opens = isinstance(piece, Start)
        if piece.name in VERBATIM:
            verbatim += 1 if opens else -1
        elif piece.name in HEADINGS:
            if opens:
                heading, title = len(made), []
            elif heading >= 0:
                made[heading] = _with_anchor(made[heading], "".join(title), taken)
                heading = -1
        elif piece.name == "blockquote":
            if opens:
                quotes.append((len(made), False))
            elif quotes.pop()[1]:
                piece = End("div")
        made.append(piece)
    return made


def slug(title: str) -> str:
    """The fragment by which GitHub links to a heading."""
    return _NOT_IN_SLUGS.sub("", unescape(title).strip().lower()).replace(" ", "-")[:MAX_SLUG_CHARS]


def _alert(made: list[Piece], quote: int, text: str) -> re.Match[str] | None:
    """Whether this text begins the first paragraph of the quote, with the mark of an alert on a line of its own."""
    before = made[quote + 1 :] if len(made) - quote <= 3 else []
    opened = [piece for piece in before if not (isinstance(piece, Text) and not piece.raw.strip())]
    begins = len(opened) == 1 and isinstance(opened[0], Start) and opened[0].name == "p" and made[-1] is opened[0]
    return ALERT.match(text) if begins else None


def _with_anchor(heading: Piece, title: str, taken: dict[str, int]) -> Piece:
    if not isinstance(heading, Start) or "id" in heading.attributes or not (name := slug(title)):
        return heading
    unique = name
    while unique in taken:  # each name's own count only grows, so that all of them together are looked at once
        taken[name] += 1
        unique = f"{name}-{taken[name]}"
    taken[unique] = 0
    return Start(heading.name, {**heading.attributes, "id": f"{PREFIX}{unique}"})
