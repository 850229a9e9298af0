"""Addresses in foreign text: which may be followed, and what a browser understands by them."""

import re
from collections.abc import Iterator
from urllib.parse import quote

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
IMAGE_SCHEMES = frozenset({"http", "https"})
MAX_CHARS = 4_096  # a longer one is none
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_ENDS = re.compile(r"^[\x00-\x20]+|[\x00-\x20]+\Z")
_BETWEEN = re.compile(r"[\t\n\r]+")  # a browser takes them out wherever they stand
_INVISIBLE = re.compile(r"[\x00-\x20\x7f\xa0\xad\u200b-\u200f\u2028-\u202f\u2060\ufeff]+")
_WITH_HOST = re.compile(r"https?://[^/?#\\@\s]", re.IGNORECASE)


def as_browsers_read(address: str) -> str:
    return _BETWEEN.sub("", _ENDS.sub("", address[: MAX_CHARS + 1])) if len(address) <= MAX_CHARS else ""


def scheme(address: str) -> str:
    """In lower case, however it is disguised; empty for a relative address."""
    found = _SCHEME.match(_INVISIBLE.sub("", address[: MAX_CHARS + 1]))
    return found[1].lower() if found else ""


def allowed(address: str, *, image: bool) -> bool:
    """Whether an absolute address may stand in a link or a picture."""
    name = scheme(address)
    if name not in (IMAGE_SCHEMES if image else LINK_SCHEMES):
        return False
    return name == "mailto" or bool(_WITH_HOST.match(address))


def quoted(address: str) -> str:
    """With what cannot stand in an address percent-encoded; what is encoded stays."""
    return quote(address, safe="%/:?#@!$&*+,;=~-._()'[]")


def candidates(srcset: str) -> Iterator[tuple[str, str]]:
    """The addresses of a `srcset` with their descriptors, as the HTML standard splits it: a comma inside an address or
    inside parentheses ends nothing."""
    at, length = 0, len(srcset)
    while at < length:
        while at < length and (srcset[at].isspace() or srcset[at] == ","):
            at += 1
        start = at
        while at < length and not srcset[at].isspace():
            at += 1
        address = srcset[start:at]
        if not address:
            return
        if address.endswith(","):
            yield address.rstrip(","), ""
            continue
        start, depth = at, 0
        while at < length and (depth or srcset[at] != ","):
            depth += (srcset[at] == "(") - (srcset[at] == ")" and depth > 0)
            at += 1
        yield address, srcset[start:at].strip()
