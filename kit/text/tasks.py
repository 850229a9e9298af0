"""What a worker process does with texts, see `kit.workers`: functions of JSON's types, bytes as base64."""

from base64 import b64decode
from typing import Any

from kit.text.document import places_of, read
from kit.text.render import render


def read_file(data: str, text_format: str, places: dict[str, Any], html: str | None) -> list[str | None]:
    found = read(b64decode(data), text_format, places_of(places), b64decode(html) if html else None)
    return [found.content, found.format, found.html]


TASKS = {"render": render, "read_file": read_file}
