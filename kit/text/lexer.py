"""HTML as a browser reads it, in pieces: start tags with their attributes, end tags, and the text between them.

Comments, declarations and the insides of scripts, styles and the like are left out, as is a tag that is cut off by the
end of the text. Whatever is written again from these pieces means to every parser what it meant here.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import unescape
from html.entities import html5
from types import MappingProxyType
from typing import NamedTuple

HIDDEN = frozenset({
    "iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp",
})  # fmt: skip  # what stands in them is no HTML, and is not shown or does something


class Start(NamedTuple):
    name: str
    attributes: Mapping[str, str]  # the first of each name, unescaped


class End(NamedTuple):
    name: str


class Text(NamedTuple):
    raw: str  # entities as they are written; `<` only as an entity


Piece = Start | End | Text

# Possessive throughout: nothing is looked at twice, so that what is made to be slow is not.
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?P<name>[^\s/>][^\s/>=]*+)"""
    r"""(?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>(?!["'])[^\s>]*+)))?+"""
)
_TAG = re.compile(
    r"""<(/?+)([a-zA-Z][^\s/>]*+)"""
    r"""((?:[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|(?!["'])[^\s>]*+))?+)*+)>"""
)
_MARKUP = ("!", "?", "/")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[a-zA-Z][a-zA-Z0-9]{1,40};?)")
MAX_ATTRIBUTES = 64  # of one tag; the rest is not looked at


@lru_cache(maxsize=1_024)
def end_of(name: str) -> End:
    return End(name)


@lru_cache(maxsize=1_024)
def plain(name: str) -> Start:
    return Start(name, MappingProxyType({}))


def pieces(html: str) -> Iterator[Piece]:
    at, shown = 0, 0  # how far was read, and from where on it is text that was not handed out yet
    while (mark := html.find("<", at)) >= 0:
        following = html[mark + 1 : mark + 2]
        if not (following.isalpha() and following.isascii()) and following not in _MARKUP:
            at = mark + 1
            continue
        if mark > shown:
            yield _text(html[shown:mark])
        if following in "!?":
            at = shown = _end_of_comment(html, mark)
        elif following == "/" and not html[mark + 2 : mark + 3].isalpha():
            at = shown = _behind(html, ">", mark + 2)
        elif not (tag := _TAG.match(html, mark)):  # not ended before the text is: browsers drop all of it
            return
        else:
            end, name, attributes = tag.groups()
            name, at = name.lower(), tag.end()
            if end:
                yield end_of(name)
            else:
                yield Start(name, _attributes(attributes)) if attributes else plain(name)
                if name in HIDDEN:
                    at = _end_of_hidden(html, name, at)
            shown = at
    if shown < len(html):
        yield _text(html[shown:])


def unescape_attribute(value: str) -> str:
    """An attribute's value: unlike in text, an entity without its semicolon ends a word or is none."""
    if "&" not in value:
        return value

    def meant(entity: re.Match[str]) -> str:
        written = entity[0]
        if written[1] == "#":
            return unescape(written)
        if written.endswith(";"):
            return html5.get(written[1:], written)
        return written if value[entity.end() : entity.end() + 1] == "=" else html5.get(written[1:], written)

    return _ENTITY.sub(meant, value)


def _attributes(written: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for _, attribute in zip(range(MAX_ATTRIBUTES), _ATTRIBUTE.finditer(written), strict=False):
        value = attribute["double"] or attribute["single"] or attribute["bare"] or ""
        found.setdefault(attribute["name"].lower(), unescape_attribute(value))
    return found


def _text(raw: str) -> Text:
    return Text(raw.replace("<", "&lt;"))


def _end_of_comment(html: str, start: int) -> int:
    if not html.startswith("<!--", start):
        return _behind(html, ">", start)
    for short in ("<!-->", "<!--->"):
        if html.startswith(short, start):
            return start + len(short)
    return _behind(html, "-->", start + 4)


def _behind(html: str, what: str, start: int) -> int:
    found = html.find(what, start)
    return found + len(what) if found >= 0 else len(html)


def _end_of_hidden(html: str, name: str, start: int) -> int:
    """At its end tag; without one, at the end of the text."""
    found = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, start)
    return found.start() if found else len(html)
