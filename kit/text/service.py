"""Texts worked on for a process that must not be harmed by them: small ones at once, all others in worker processes.

Nothing here fails for what a text is: what cannot be worked on within its limits comes back as it was written.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from kit.text.render import bare
from kit.text.tasks import TASKS
from kit.workers.pool import WorkerFailedError, WorkerPool

log = structlog.get_logger(__name__)

# Up to here a hostile text costs the event loop some milliseconds, and a worker as much for handing it over.
SMALL_CHARS = 4 * 1024


class Run(Protocol):
    async def __call__(self, task: str, /, **arguments: Any) -> Any: ...


def workers() -> WorkerPool:
    return WorkerPool("kit.text.tasks")


class TextService:
    """Without `run` everything is done at once, in this process."""

    def __init__(self, run: Run | None = None) -> None:
        self._run = run

    async def render(self, content: str, text_format: str, html: str | None = None) -> str:
        """HTML that is safe to show."""
        arguments = {"content": content, "text_format": text_format, "html": html}
        rendered = await self._done("render", arguments, len(content) + len(html or ""))
        return bare(content) if rendered is None else str(rendered)

    async def _done(self, task: str, arguments: Mapping[str, Any], chars: int) -> Any:
        """None where it failed."""
        if self._run is None or chars <= SMALL_CHARS:
            return _at_once(TASKS[task], arguments)
        try:
            return await self._run(task, **arguments)
        except WorkerFailedError:  # counted and logged there
            return None


def _at_once(task: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    try:
        return task(**arguments)
    except Exception as error:  # a bug; the text is not worth the import
        log.error("text task failed", task=task.__name__, error=type(error).__name__)
        return None
