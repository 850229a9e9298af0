"""Hostile text to plain text: words on one line, without markup, addresses or control characters; and its sentences.

What is read here was written as plain text, and may be marked up all the same: a repository's description, a topic, a
model's answer. Identifiers stay as they are written: `read_csv`, `__init__`, `F*`, `Vec<T>`, `C#`. Whoever shows plain
text escapes it; nothing in it would be a tag of HTML to one who forgot.
"""

import re

from services.analyzer import angles
from services.analyzer.addresses import without_addresses
from services.analyzer.characters import ADDRESS, LESS, MARKS, STAR, START, TILDE, UNDERSCORE, visible
from services.analyzer.document import to_html
from services.analyzer.sentences import cut, ended, joined, split
from services.analyzer.tree import html_blocks

MOST_READ = 16_384  # characters; no more of anything is shown
# What only a parser can tell from words.
_MARKED = re.compile(
    r"[\n`~\ue000-\ue005]|\*.*\*|(?<!\w)_|_(?!\w)|<[a-z/!?]|&#?\w+;|\](?:\(|\[)|\\[!-/:-@\[-`{-~]|:[a-z0-9_+-]+:|://|www\.|@|(?:script|data|file):",
    re.I | re.S,
)
_SHORTCODE = re.compile(  # GitHub's own pictures, which no font has
    r":(?:atom|basecamp|basecampy|bowtie|dependabot|electron|feelsgood|finnadie|fishsticks|goberserk|godmode|hurtrealbad"
    r"|neckbeard|octocat|rage[1-4]|shipit|suspect|trollface):"
)
_SCORED = re.compile(r"(?<!\w)\w*_\w*")
_BETWEEN = re.compile(r"(?<=[A-Za-z0-9])[*~]+(?=[A-Za-z0-9])")
_SCHEME = re.compile(r"\b(?:javascript|vbscript|data|file):\S+", re.I)
_LEADING = re.compile(r"^(?:[-–—>#*•|:;,.·]+\s+)+")
_OWN = dict.fromkeys(map(ord, MARKS), " ")
_AGAIN = {ord(START): " ", ord(UNDERSCORE): "_", ord(LESS): "<", ord(STAR): "*", ord(TILDE): "~"}


def plain(text: str) -> str:
    """One line of words."""
    text = visible(text[:MOST_READ])
    if not _MARKED.search(text):
        return _LEADING.sub("", " ".join(text.split()))
    text = _SHORTCODE.sub(" ", text.translate(_OWN))
    text = _BETWEEN.sub(_operator, _SCORED.sub(_identifier, angles.kept(text)))
    if "\n" not in text.strip():
        text = f"{START} {text.strip()}"  # so that it is a paragraph, whatever it begins with
    words = " ".join(block.text for block in html_blocks(to_html(text), keep_links=True))
    return _LEADING.sub("", tidy(words.translate(_AGAIN)))


def tidy(words: str) -> str:
    """Of a parsed tree, with nothing in them that could be an address or a tag."""
    words = angles.untagged(_SCHEME.sub(ADDRESS, words))
    return " ".join(without_addresses(words).split())


def sentences(text: str, *, most: int = 3, max_chars: int = 600) -> str:
    """The first sentences that fit, ended with a full stop."""
    return fitting(split(plain(text)), most=most, max_chars=max_chars)


def fitting(found: list[str], *, most: int = 3, max_chars: int = 600) -> str:
    chosen: list[str] = []
    left = max_chars
    found = [sentence for sentence in map(ended, found[:most]) if sentence]
    for sentence in found:
        if len(sentence) > left:
            break
        chosen.append(sentence)
        left -= len(sentence) + 1
    return joined(chosen) if chosen or not found else cut(found[0], max_chars)


def _identifier(word: re.Match[str]) -> str:
    """Underscores at its ends are its own, unless one on either side marks up a single word."""
    name = word[0]
    core = name.strip("_")
    if name == core or (len(name) == len(core) + 2 and name[0] == name[-1] == "_"):
        return name
    before, after = len(name) - len(name.lstrip("_")), len(name) - len(name.rstrip("_"))
    return UNDERSCORE * before + core + UNDERSCORE * after if core else UNDERSCORE * len(name)


def _operator(signs: re.Match[str]) -> str:
    return signs[0].replace("*", STAR).replace("~", TILDE)
