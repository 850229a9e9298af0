"""Texts worked on for a process that must not be harmed by them: small ones at once, all others in worker processes.

Nothing here fails for what a text is: what cannot be worked on within its limits comes back as it was written.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict
from typing import ParamSpec, TypeVar

import structlog

from kit.text.document import Document, as_written, read
from kit.text.places import Places
from kit.text.render import bare, render
from kit.workers.pool import Run, WorkerFailedError, WorkerPool

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)

# Up to here a hostile text costs the event loop some milliseconds, and a worker as much for handing it over. But rows
# of a wide table are filled up to its width, and footnotes link to each place that names them.
SMALL = 4 * 1024
MOST_CELLS, MOST_FOOTNOTES = 16, 16


def workers() -> WorkerPool:
    return WorkerPool("kit.text.tasks")


class TextService:
    """Without `run` everything is done at once, in this process."""

    def __init__(self, run: Run | None = None) -> None:
        self._run = run

    async def render(self, content: str, text_format: str, html: str | None = None) -> str:
        """HTML that is safe to show; `html` is what the upstream made of it, if anything."""
        if self._run is None or (len(content) + len(html or "") <= SMALL and _is_harmless(content)):
            return _at_once(render, content, text_format, html) or bare(content)
        try:
            return str(await self._run("render", content=content, text_format=text_format, html=html))
        except WorkerFailedError:  # counted and logged there
            return bare(content)

    async def read(self, data: bytes, text_format: str, places: Places, html: bytes | None = None) -> Document:
        """A file as text; `html` is what the upstream made of it, if anything."""
        if self._run is None or (len(data) + len(html or b"") <= SMALL and _is_harmless(data.decode("latin-1"))):
            return _at_once(read, data, text_format, places, html) or as_written(data, text_format)
        try:
            found = await self._run(
                "read_file",
                data=b64encode(data).decode(),
                text_format=text_format,
                places=asdict(places),
                html=html and b64encode(html).decode(),
            )
        except WorkerFailedError:
            return as_written(data, text_format)
        return Document(*found)


def _is_harmless(small: str) -> bool:
    return small.count("[^") <= MOST_FOOTNOTES and all(line.count("|") <= MOST_CELLS for line in small.splitlines())


def _at_once(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R | None:
    try:
        return function(*arguments, **named)
    except Exception as error:  # a bug; the text is not worth the import
        log.error("text could not be worked on", task=function.__name__, error=type(error).__name__)
        return None
