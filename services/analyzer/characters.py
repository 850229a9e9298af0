"""Characters that a page can show: no controls, nothing invisible but the joiners that make a letter or an emoji."""

import re
import unicodedata

# Marks of our own in words that are being read; whoever reads takes them out of what came.
ADDRESS = "\ue000"  # where a bare address stood
START, UNDERSCORE, LESS, STAR, TILDE = "\ue001", "\ue002", "\ue003", "\ue004", "\ue005"  # kept from the parsers
MARKS = ADDRESS + START + UNDERSCORE + LESS + STAR + TILDE
# Controls, format characters, private use; not what is unassigned, which may be an emoji that is newer than Python.
_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u180e\u200b-\u200d\u2028-\u202e\u2060-\u206f\ud800-\udfff\ue006-\uf8ff"
    "\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\U000f0000-\U0010ffff]"
)
_JOINERS = frozenset("\u200c\u200d")
_JOINED_FROM = "\u0590"  # the first block of letters that a joiner can stand between
_VIRAMA = 9  # a class of combining signs
_NOTHING = frozenset("\xad\u2060\ufeff")  # stand inside words, and leave them whole
# A black flag and up to eight tags are the flag of England, Scotland or Wales; tags elsewhere hide a message.
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")


def visible(text: str) -> str:
    """What is not shown becomes a blank, or nothing where it stands within a word. Newlines stay."""
    if "\U0001f3f4" not in text:
        return _UNSEEN.sub(_shown, text)
    flags = _FLAG.findall(text)
    parts = (_UNSEEN.sub(_shown, part) for part in _FLAG.split(text))
    return "".join(part + flag for part, flag in zip(parts, [*flags, ""], strict=True))


def _shown(found: re.Match[str]) -> str:
    char, text, at = found[0], found.string, found.start()
    if char in _JOINERS:
        return char if _joins(text, at) else ""
    if "\U000e0100" <= char <= "\U000e01ef":  # chooses the form of an ideograph; a row of them hides a message
        return char if at and unicodedata.category(text[at - 1]) == "Lo" else ""
    return "" if char in _NOTHING else " "


def _joins(text: str, at: int) -> bool:
    """Whether it stands between two signs of a script that joins them, or of an emoji: not where it hides. After a
    virama it makes another letter of the one before."""
    if at == 0:
        return False
    around = text[at - 1 : at + 2 : 2]
    if unicodedata.combining(around[0]) == _VIRAMA:
        return True
    return len(around) == 2 and all(_JOINED_FROM <= sign not in _JOINERS and not sign.isspace() for sign in around)
