"""One line of words as sentences, in any script."""

import re
import unicodedata
from collections.abc import Iterable

_END = re.compile(r"[.!?…؟۔।॥։።။]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[」』”’）)]*")
_CLOSED = re.compile(r"[.!?…。！？｡؟۔।॥։።။][\"'”’»)\]」』）]*$")
_SHORT_WORDS = "approx cf dr e.g eg etc i.e ie incl jr mr mrs ms no prof resp st v ver viz vol vs"
_SHORT = frozenset(_SHORT_WORDS.split())
_STOPS = (  # how a sentence ends in a script that begins there; None: without a sign
    ("DEVANAGARI", "।"), ("BENGALI", "।"), ("CJK", "。"), ("HIRAGANA", "。"), ("KATAKANA", "。"), ("THAI", None),
    ("LAO", None), ("KHMER", "។"), ("MYANMAR", "။"), ("ETHIOPIC", "።"), ("ARMENIAN", "։"),
)  # fmt: skip


def split(line: str) -> list[str]:
    found: list[str] = []
    start = 0
    for end in _END.finditer(line):
        if _ends(line, start, end):
            found.append(line[start : end.end()].strip())
            start = end.end()
    return [sentence for sentence in (*found, line[start:].strip()) if sentence]


def _ends(line: str, start: int, end: re.Match[str]) -> bool:
    if end[0][0] in "。！？｡":
        return True
    after = line[end.end() : end.end() + 2].strip()
    if after and after[0].islower():
        return False
    if end[0] != ".":
        return True
    word = line[max(start, end.start() - 20) : end.start()].rpartition(" ")[2].lstrip("(").lower()
    return word not in _SHORT and not (len(word) == 1 and word.isalpha() and word != "i")


def ended(line: str) -> str:
    """With the full stop of its script, where it has none."""
    if not line or _CLOSED.search(line[-8:]):
        return line
    bare = line.rstrip(",;:-–—、，；： ")
    last = bare[-1:]
    if not bare:
        return ""
    if not (last.isalnum() or last in "\"'”’»)]}>%*+#`」』）_" or unicodedata.category(last)[0] == "M"):
        return bare  # an emoji, or a sign of another kind
    script = next((stop for name, stop in _STOPS if unicodedata.name(last, "").startswith(name)), ".")
    return f"{bare}{script or ''}"


def joined(found: Iterable[str]) -> str:
    """With a blank between two, where the script has one."""
    line = ""
    for sentence in found:
        line += sentence if not line or line[-1] in "。！？｡" else f" {sentence}"
    return line


def cut(line: str, most: int) -> str:
    """Between words, where it has any; never within a letter or an emoji."""
    if len(line) <= most:
        return line
    end = most - 1
    while end > most - 32 and _clings(line, end):
        end -= 1
    at_word = line.rfind(" ", most // 2, end + 1)
    return line[: at_word if at_word > 0 else end].rstrip(" ,;:-–—、，") + "…"


def _clings(line: str, at: int) -> bool:
    """Whether what stands there belongs to what is before it."""
    joiner = "\u200d"
    return line[at] == joiner or line[at - 1] == joiner or unicodedata.category(line[at])[0] == "M"
