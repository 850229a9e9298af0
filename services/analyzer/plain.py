"""Hostile text to plain text: no markup, no links, no control characters, a bounded number of sentences."""

import re
import unicodedata

# No two repetitions side by side that match the same: text made to be slow must stay linear.
_FENCE = re.compile(r"^(```|~~~).*?(?:^\1\s*$|\Z)", re.M | re.S)  # one that is never closed ends with the text
_LINK = re.compile(r"!?\[([^\]\[]{0,300})\](?:\([^()]{0,500}(?:\([^()]{0,500}\)[^()]{0,500})?\)|\[[^\]\[]{0,100}\])")
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
    words = plain(text)
    chosen = ""
    for sentence in _SENTENCE_END.split(words)[:most]:
        longer = f"{chosen} {sentence}".strip()
        if len(longer) > max_chars:
            break
        chosen = longer
    if words and not chosen:
        chosen = words[: max_chars - 1].rsplit(" ", 1)[0] + "…"
    return chosen if not chosen or chosen[-1] in ".!?…。！？" else f"{chosen}."
