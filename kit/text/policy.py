"""What may be shown of a tag: attributes that say how text is laid out, addresses that may be followed, no more.

Ids and names get a prefix, so that they cannot take the place of the page's own; so do the links to them.
"""

import re
from collections.abc import Callable, Mapping

from kit.text import urls
from kit.text.tidy import Attributes

PREFIX = "user-content-"
REL = "noopener nofollow ugc"
Resolve = Callable[[str, bool], str | None]  # an address, and whether it is a picture's → where it leads, if anywhere

_LAYOUT = frozenset({"align", "dir", "lang", "title", "aria-label", "aria-hidden"})
_SIZE = frozenset({"width", "height"})
ALLOWED: Mapping[str, frozenset[str]] = {
    "a": frozenset({"href", "name"}),
    "img": frozenset({"src", "srcset", "sizes", "alt"}) | _SIZE,
    "source": frozenset({"srcset", "sizes", "media", "type"}) | _SIZE,
    "td": frozenset({"colspan", "rowspan", "valign", "headers"}) | _SIZE,
    "th": frozenset({"colspan", "rowspan", "valign", "scope"}) | _SIZE,
    "table": _SIZE,
    "ol": frozenset({"start", "reversed", "type"}),
    "li": frozenset({"value"}),
    "details": frozenset({"open"}),
    "time": frozenset({"datetime"}),
    "del": frozenset({"datetime"}),
    "ins": frozenset({"datetime"}),
    "input": frozenset({"type", "checked", "disabled"}),
}
EVERYWHERE = _LAYOUT | {"id", "class"}
_CLASS = re.compile(
    r"language-[\w+#.-]{1,40}|highlight(?:-(?:source|text)-[\w-]{1,40})?|pl-[a-z0-9]{1,4}|anchor|heading-element|"
    r"markdown-(?:heading|alert(?:-title|-note|-tip|-important|-warning|-caution)?)|"
    r"footnotes|footnote-(?:ref|backref)|contains-task-list|task-list-item(?:-checkbox)?"
)
_NUMBER = re.compile(r"-?[0-9]{1,5}")
_LENGTH = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,2})?(?:px|%)?")
_SPAN = re.compile(r"[1-9][0-9]{0,2}")
_WORDS = {
    **dict.fromkeys(("width", "height"), _LENGTH),
    **dict.fromkeys(("colspan", "rowspan"), _SPAN),
    **dict.fromkeys(("start", "value"), _NUMBER),
    "align": re.compile(r"left|right|center|justify", re.IGNORECASE),
    "valign": re.compile(r"top|middle|bottom|baseline", re.IGNORECASE),
    "dir": re.compile(r"ltr|rtl|auto", re.IGNORECASE),
    "aria-hidden": re.compile(r"true|false"),
    "type": re.compile(r"checkbox|[1aAiI]|image/[\w.+-]{1,40}"),
}
MAX_VALUE_CHARS = 2_000


def absolute_only(address: str, image: bool) -> str | None:
    return urls.quoted(address) if urls.allowed(address, image=image) else None


def attributes(resolve: Resolve = absolute_only) -> Attributes:
    """Keeps what may be shown, with `resolve` deciding on addresses that are no heading's."""

    def keep(tag: str, given: Mapping[str, str]) -> Mapping[str, str] | None:
        if tag == "input":  # of a task list, for looking at
            if given.get("type", "").lower() != "checkbox":
                return None
            return {"type": "checkbox", **({"checked": ""} if "checked" in given else {}), "disabled": ""}
        if not given:
            return given
        own = ALLOWED.get(tag, frozenset())
        kept = {
            name: value
            for name, raw in given.items()
            if (name in own or name in EVERYWHERE) and (value := _value(name, raw, resolve)) is not None
        }
        if tag == "a" and "href" in kept:
            kept["rel"] = REL
        if tag == "img" and "data-canonical-src" in given and "src" in kept:  # the author's, behind a proxy of pictures
            kept["src"] = absolute_only(given["data-canonical-src"], True) or kept["src"]
        return kept

    return keep


def anchored(name: str) -> str | None:
    name = name.removeprefix(PREFIX)
    return f"{PREFIX}{name}" if 0 < len(name) <= 500 and not re.search(r"\s", name) else None


def _value(name: str, value: str, resolve: Resolve) -> str | None:
    match name:
        case "href" | "src":
            return _address(value, resolve, image=name == "src")
        case "srcset":
            return _srcset(value, resolve) or None
        case "id" | "name":
            return anchored(value)
        case "class":
            return " ".join(word for word in value[:MAX_VALUE_CHARS].split() if _CLASS.fullmatch(word)) or None
        case "open" | "reversed":
            return ""
        case _ if name in _WORDS:
            return value if _WORDS[name].fullmatch(value) else None
        case _:
            return value[:MAX_VALUE_CHARS]


def _address(value: str, resolve: Resolve, *, image: bool) -> str | None:
    address = urls.as_browsers_read(value)
    if address.startswith("#") and not image:
        return "#" if address == "#" else (anchor := anchored(address[1:])) and f"#{anchor}"
    return resolve(address, image) if address else None


def _srcset(value: str, resolve: Resolve) -> str:
    found = ((_address(address, resolve, image=True), size) for address, size in urls.candidates(value))
    return ", ".join(f"{address} {size}".strip() for address, size in found if address and len(size) < 20)
