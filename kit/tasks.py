"""Tasks that nobody awaits: how they ended is told in the log, and not by the interpreter some time later."""

import asyncio
from typing import Any

import structlog

log = structlog.get_logger()


def watch(task: "asyncio.Task[Any]", name: str) -> None:
    """Log the failure of a task that has no business to fail."""

    def ended(done: "asyncio.Task[Any]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("task failed", task=name, exc_info=error)

    task.add_done_callback(ended)
