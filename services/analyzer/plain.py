"""Hostile text to plain text: no markup, no links, no control characters, a bounded number of sentences."""

import re
import unicodedata

_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.M | re.S)
_LINK = re.compile(r"!?\[([^\]\[]{0,300})\](\([^)\s]{0,2000}[^)]{0,300}\)|\[[^\]]{0,100}\])")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_URL = re.compile(r"\b(?:https?://|www\.|javascript:|data:)\S+", re.I)
_MARKS = re.compile(r"^[#>\-*+=|\s]+|[*_`~|]{1,3}|\s[*_]{1,3}", re.M)
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+")


def plain(text: str) -> str:
    """One line of words."""
    text = _FENCE.sub(" ", text)
    text = _TAG.sub(" ", _LINK.sub(r"\1", text))
    text = _URL.sub(" ", text)
    text = _MARKS.sub(" ", text)
    text = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(text.replace("<", " ").replace(">", " ").split())


def sentences(text: str, *, most: int = 3, max_chars: int = 600) -> str:
    """The first sentences that fit, ended with a full stop."""
    chosen = ""
    for sentence in _SENTENCE_END.split(plain(text))[:most]:
        longer = f"{chosen} {sentence}".strip()
        if len(longer) > max_chars:
            break
        chosen = longer
    if not chosen:
        chosen = plain(text)[: max_chars - 1].rsplit(" ", 1)[0] + "…" if text.strip() else ""
    return chosen if not chosen or chosen[-1] in ".!?…。！？" else f"{chosen}."
