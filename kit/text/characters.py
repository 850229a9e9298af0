"""Characters that a text may have, and how many of them."""

import re

# Controls except tab and newline, lone surrogates, byte order marks, what turns the direction of text around, and what
# Unicode says is no character. Each of those in HTML is an error that its parser stops at.
_NO_CHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_UNWANTED = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff{_NO_CHARACTERS}]")


def printable(text: str) -> str:
    """Each line ended by a newline alone."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def bounded(text: str, max_bytes: int) -> str:
    """As much of it as UTF-8 has room for there."""
    if len(text) * 4 <= max_bytes:
        return text
    return text.encode()[:max_bytes].decode(errors="ignore")
