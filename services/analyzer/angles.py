"""Angle brackets in words: those of `Vec<T>` and `<file>` are somebody's words, those of HTML's elements are not."""

import re

from services.analyzer.characters import LESS

_NAMES = """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br
    button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em
    embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i
    iframe img input ins isindex kbd keygen label legend li link listing main map mark marquee math menu meta meter
    nav nobr noembed noframes noscript object ol optgroup option output p param picture plaintext pre progress q rb
    rp rt rtc ruby s samp script search section select slot small source span strike strong style sub summary sup
    svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xml xmp
"""
ELEMENTS = frozenset(_NAMES.split())
_OPENING = re.compile(r"<(?=[A-Za-z])")
_ATTACHED = re.compile(r"(?<=\w)<(?=[A-Za-z])")
_INNER = re.compile(r"([A-Za-z][\w.:-]{0,60})[^<>=\"'/]{0,100}(?=[<>])")
_TAG = re.compile(r"<(?=[A-Za-z/!?])([^<>]{0,300})>?")


def kept(line: str) -> str:
    """With a mark for each that is meant as it stands, so that no parser takes it: of a line of plain text."""
    return _OPENING.sub(_marked, line)


def kept_generics(markdown: str) -> str:
    """The same of Markdown, where only those of types are certain: they stand close to a word."""
    return _ATTACHED.sub(_marked, markdown)


def untagged(words: str) -> str:
    """What HTML would take for one of its elements loses its brackets."""
    return _TAG.sub(lambda tag: tag[0] if _is_literal(tag.string, tag.start()) else f" {tag[1]} ", words)


def _marked(less: re.Match[str]) -> str:
    return LESS if _is_literal(less.string, less.start()) else "<"


def _is_literal(text: str, at: int) -> bool:
    inner = _INNER.match(text, at + 1)
    if not inner or "://" in inner[0] or inner[0].startswith("mailto:"):
        return False
    name = inner[1]
    is_type = len(name) == 1 and name.isupper() and at > 0 and text[at - 1].isalnum()
    return is_type or name.lower() not in ELEMENTS
