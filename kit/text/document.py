"""A file as text: decoded, bounded, with its links absolute; and what its upstream made of it, made fit to travel."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from kit.text.absolute import absolutise
from kit.text.characters import bounded, printable
from kit.text.decode import decode
from kit.text.formats import MARKDOWN
from kit.text.places import Places
from kit.text.render import safe

MAX_TEXT_BYTES = 1024 * 1024
MAX_JSON_BYTES = 2 * 1024 * 1024  # of a text and its HTML together, escaped: an event has to hold them


class Document(NamedTuple):
    content: str
    format: str
    html: str | None = None


def read(data: bytes, text_format: str, places: Places, html: bytes | None = None) -> Document:
    text = printable(decode(data[:MAX_TEXT_BYTES]))
    if text_format == MARKDOWN:
        text = absolutise(text, places.resolve)
    text = bounded(text, MAX_TEXT_BYTES)
    return Document(text, text_format, _fitting(text, html, places) if html else None)


def as_written(data: bytes, text_format: str) -> Document:
    """What is left where nothing more could be made of it, in a moment."""
    text = data[:MAX_TEXT_BYTES].decode("utf-8", "replace")
    return Document(bounded(printable(text), MAX_TEXT_BYTES), text_format)


def _fitting(text: str, html: bytes, places: Places) -> str | None:
    room = MAX_JSON_BYTES - _json_bytes(text)
    tidied = safe(html.decode("utf-8", "replace"), places.resolve, MAX_TEXT_BYTES)
    return tidied if tidied.strip() and _json_bytes(tidied) <= room else None


def _json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


def places_of(given: Mapping[str, Any]) -> Places:
    """As they came through JSON."""
    return Places(**{**given, "at_host": tuple(given["at_host"])})
