"""Words without the bare addresses that stood among them, and without what then says nothing: "see", "docs at"."""

import re

from services.analyzer.characters import ADDRESS
from services.analyzer.sentences import split

_BRACKETED = re.compile(rf"\s*[(\[{{（【][^()\[\]{{}}（）【】{ADDRESS}]*{ADDRESS}[^()\[\]{{}}（）【】]*[)\]}}）】]")
_CLAUSE = re.compile(r"\s+[-–—|•·]+\s+|[;；,，、]\s*")
_LEAD_WORDS = """
    a an and are at by check for from here in into is its of on or out read see site source the this to under using via
    view visit website with www
"""
_LEADS = frozenset(_LEAD_WORDS.split())
_FEWEST_WORDS = 3


def without_addresses(words: str) -> str:
    """Sentences with an address keep the clauses that do without."""
    if ADDRESS not in words:
        return words
    kept = (_without(sentence) if ADDRESS in sentence else sentence for sentence in split(words))
    return " ".join(sentence for sentence in kept if sentence)


def _without(sentence: str) -> str:
    sentence = _BRACKETED.sub("", sentence).strip()
    first = sentence.find(ADDRESS)
    if first < 0:
        return sentence
    clauses = [clause for clause in _CLAUSE.finditer(sentence) if clause.start() < first]
    if clauses and _says_something(before := sentence[: clauses[-1].start()]):
        return before
    before, after = sentence[:first].rstrip(), sentence[first:].strip(f"{ADDRESS} .!?/")
    if not after and _says_something(before):
        return before
    rest = _CLAUSE.split(sentence[sentence.rfind(ADDRESS) :], maxsplit=1)
    return rest[1] if len(rest) == 2 and _says_something(rest[1]) else ""


def _says_something(words: str) -> bool:
    said = words.split()
    if len(said) < _FEWEST_WORDS or said[-1].lower() in _LEADS:
        return False
    end = said[-1][-1]
    return end.isascii() and (end.isalnum() or end in ")\"'")
