"""The opening of a document: the first sentences that say what the thing is, and do not lead elsewhere."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import takewhile

from schemas.content import Item
from services.analyzer.document import blocks_of
from services.analyzer.plain import tidy
from services.analyzer.sentences import split
from services.analyzer.tree import HEADINGS, Block, Kind
from services.analyzer.vocabulary import ELSEWHERE, UNRELATED

# Characters: most documents have said by the first what they are.
WINDOWS = (2_048, 8_192, 24_576)
_FEWEST_LETTERS = 10
_ROW = re.compile(r"\s[|·•/⋅‧]\s")  # between links, languages, facts
_FEWEST_TITLE_WORDS = 4
_ENDLESS = 600  # characters of a sentence that is cut short wherever it ends
_SLOGAN = 30  # letters; one sentence of fewer says little


def prose(item: Item, *, brief: bool = False) -> list[str]:
    """Of its text. A brief one goes on from what is said already: it does without what is only better than nothing."""
    for window in WINDOWS:
        found = opening(blocks_of(item, window), brief=brief)
        if found or brief or len(item.text_html or item.text) <= window:
            return found
    return []


def opening(blocks: Iterable[Block], *, brief: bool = False) -> list[str]:
    """Of the first section that has any; else of a quote, of the title's own words, of a list."""
    seen: list[Block] = []
    found = _first_section(_noted(blocks, seen), Kind.PARAGRAPH)
    if len(found) < 2 and sum(map(_letters, found)) < _SLOGAN:
        found += _first_section(seen, Kind.QUOTE)
    return found if found or brief else _title(seen) or _first_section(_above_sections(seen), Kind.ITEM)


def _noted(blocks: Iterable[Block], seen: list[Block]) -> Iterator[Block]:
    for block in blocks:
        seen.append(block)
        yield block


def _above_sections(blocks: list[Block]) -> Iterator[Block]:
    """A list right below the title says what there is; one in a section what that section has."""
    return takewhile(lambda block: block.kind is not Kind.HEADING, blocks)


def _first_section(blocks: Iterable[Block], kind: Kind) -> list[str]:
    found: list[str] = []
    unrelated, first = False, True
    anywhere = kind is Kind.QUOTE
    for block in blocks:
        if block.kind in HEADINGS:
            if found:
                break
            unrelated = _is_unrelated(block.text, first=first)
            first = False
        elif block.kind is kind and (anywhere or not unrelated) and _reads(block.text):
            found.extend(_said(block))
    return found


def _is_unrelated(heading: str, *, first: bool) -> bool:
    """The first heading is mostly a name, and may have such a word in it."""
    word = UNRELATED.search(heading[:200])
    return word is not None and (not first or 10 * len(word[0]) > 6 * len(heading))


def _said(block: Block) -> Iterator[str]:
    sentences = split(tidy(block.text))
    if block.is_cut and (len(sentences) > 1 or len(block.text) < _ENDLESS):
        sentences.pop()
    for sentence in sentences:
        if _letters(sentence) >= _FEWEST_LETTERS and sentence[-1] not in ":：" and not ELSEWHERE.match(sentence):
            yield sentence


def _title(blocks: list[Block]) -> list[str]:
    titles = (tidy(block.text) for block in blocks if block.kind is Kind.TITLE)
    said = (title for title in titles if len(title.split()) >= _FEWEST_TITLE_WORDS and not UNRELATED.search(title))
    return list(said)[:1]


def _reads(text: str) -> bool:
    """No row of facts or names, and mostly letters."""
    parts = _ROW.split(text)
    row = len(parts) > 2 and len(text.split()) < 5 * len(parts)
    return not row and _letters(text) * 10 >= 6 * len(text.replace(" ", ""))


def _letters(text: str) -> int:
    """Those of scripts that write a word in one or two of them count double."""
    if text.isascii():
        return sum(map(str.isalpha, text))
    return sum(
        2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
        if sign.isalpha() or unicodedata.category(sign)[0] == "M"
    )
