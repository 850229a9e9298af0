"""Bytes to text, in whatever encoding its author's editor chose: by its mark, else UTF-8, else what it declares, else
what it looks like. What is nothing of all that becomes U+FFFD, and no other letters than were meant.
"""

import codecs
import re
import unicodedata
from functools import lru_cache
from itertools import islice, pairwise

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"(?:charset|(?:file)?encoding|coding)[\"' \t]{0,3}[=:][\"' \t]{0,3}([A-Za-z][A-Za-z0-9_.:-]{1,30})"
)
DECLARED_WITHIN = 1_024  # bytes of the beginning, and of the end, where editors keep such lines
LOOKED_AT = 64 * 1024  # bytes with something in them to tell by; the rest is in the same encoding
# In which people write READMEs. Others that fit by chance are only guesses.
PLAUSIBLE = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r", "iso8859_2",
    "cp932", "shift_jis", "euc_jp", "euc_kr", "cp949", "gb18030", "big5",
]  # fmt: skip
LOST = "\ufffd"
FEW = 24  # characters outside ASCII, too few to tell the Latin encodings apart: the one that most editors had
MISTAKEN = frozenset({"cp1250", "cp1257", "cp1258", "iso8859_2", "cp932", "shift_jis"})  # for it, where there are few
MOST_LIKELY = 6
LOOKED_AT_WORDS = 200


def decode(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    nulls = data.count(0)
    if nulls > len(data) // 4:
        return data.decode("utf-16-le" if data[1::2].count(0) * 2 > nulls else "utf-16-be", "replace")
    text = data.decode("utf-8", "replace")
    broken = text.count(LOST)
    if not broken or broken * 10 <= sum(char > "\x7f" for char in text) - broken:
        return text.removesuffix(LOST)  # a last character that was cut in two
    return _declared(data) or _looks_like(data) or text


def _declared(data: bytes) -> str | None:
    for part in (data[:DECLARED_WITHIN], data[-DECLARED_WITHIN:]):
        for name in _DECLARED.findall(part):
            try:
                if (codec := codecs.lookup(name.decode())).name not in ("utf-8", "utf-7") and codec._is_text_encoding:
                    return data.decode(codec.name)
            except (LookupError, UnicodeError, AttributeError):
                continue
    return None


def _looks_like(data: bytes) -> str | None:
    """The likeliest encoding in which each word makes sense."""
    first = re.search(rb"[\x80-\xff]", data)
    start = max(0, data.rfind(b"\n", 0, first.start())) if first else 0
    sample = data[start : start + LOOKED_AT]
    likely = [match.encoding for match in from_bytes(sample, cp_isolation=PLAUSIBLE)][:MOST_LIKELY]
    if len(re.findall(rb"[\x80-\xff]", sample)) < FEW and (not likely or likely[0] in MISTAKEN):
        likely.insert(0, "cp1252")
    for encoding in dict.fromkeys(likely):
        text = data.decode(encoding, "replace")
        if text.count(LOST) * 1_000 <= len(text) and _makes_sense(text):
            return text
    return None


def _makes_sense(text: str) -> bool:
    if _SYMBOL_IN_WORD.search(text):
        return False
    words = (word[0][:60] for word in _WORD.finditer(text) if not word[0].isascii())
    return not any(_is_odd(word) for word in islice(words, LOOKED_AT_WORDS))


def _is_odd(word: str) -> bool:
    """Of several scripts; a small letter before a capital that is not in ASCII; or of Latin letters with no plain one
    among them."""
    scripts = {_SCRIPTS.get(script, script) for script in map(_script, word)}
    if len(scripts) > 1:
        return True
    if scripts != {"LATIN"}:
        return False
    odd_case = any(a.islower() and b.isupper() and not b.isascii() for a, b in pairwise(word))
    return odd_case or (len(word) > 1 and not any(letter.isascii() for letter in word))


@lru_cache(maxsize=4_096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").partition(" ")[0]


_WORD = re.compile(r"[^\W\d_]++")
_SYMBOL_IN_WORD = re.compile(r"[^\W\d_][\x80-\x9f¡¢£¤¥¦¨¬¯±´¶¸¼½¾¿×÷†‡ˆ‰‹][^\W\d_]")
_SCRIPTS = dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"), "JAPANESE") | {
    "MICRO": "LATIN", "MASCULINE": "LATIN", "FEMININE": "LATIN",
}  # fmt: skip
