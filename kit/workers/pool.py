"""A few worker processes, started when there is work and kept. One that takes too much, or whose caller has gone, is
killed, and the next task starts another.

They get nothing of this process's environment but where programs are, so that no secret is near foreign text.
"""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import Any, Protocol

import structlog
from prometheus_client import Counter, Histogram

from kit.workers.child import DONE, FAILED, HEADER_BYTES, RETIRED
from kit.workers.limits import WorkerLimits

log = structlog.get_logger(__name__)

TASKS = Counter("thrive_worker_tasks", "Tasks of worker processes, by how they ended", ["task", "outcome"])
SECONDS = Histogram("thrive_worker_task_seconds", "How long a task took in its worker", ["task"])
ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
PIPE_BYTES = 1024 * 1024
AGAIN = ("killed", "timeout")  # once: the machine may have been short of memory or busy, whatever the task is like


class WorkerFailedError(Exception):
    """The task has no result. `reason` is one of `timeout`, `killed`, `too_large`, `failed`, `not_started`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Run(Protocol):
    """A pool, as those who hand tasks to it see it."""

    async def __call__(self, task: str, /, **arguments: Any) -> Any:
        """Raises WorkerFailedError."""


class WorkerPool:
    """`await pool(task, argument=…)` for a task in the `TASKS` of `module`; arguments and results are JSON's types.

    At most `size` run at once, and the others wait for their turn.
    """

    def __init__(self, module: str, *, size: int = 2, limits: WorkerLimits | None = None) -> None:
        self._module = module
        self._limits = limits or WorkerLimits()
        self._idle: list[Process] = []
        self._turns = asyncio.Semaphore(size)
        self._closed = False

    async def __call__(self, task: str, /, **arguments: Any) -> Any:
        """Raises WorkerFailedError."""
        request = json.dumps([task, arguments], ensure_ascii=False).encode()
        async with self._turns:
            began = time.perf_counter()
            try:
                result = await self._run_or_again(request)
            except WorkerFailedError as problem:
                TASKS.labels(task, problem.reason).inc()
                log.warning("worker task failed", task=task, reason=problem.reason, bytes=len(request))
                raise
            except asyncio.CancelledError:
                TASKS.labels(task, "cancelled").inc()
                raise
            TASKS.labels(task, "done").inc()
            SECONDS.labels(task).observe(time.perf_counter() - began)
            return result

    async def aclose(self) -> None:
        self._closed = True
        while self._idle:
            await _kill(self._idle.pop())

    async def _run_or_again(self, request: bytes) -> Any:
        try:
            return await self._run(request)
        except WorkerFailedError as problem:
            if problem.reason not in AGAIN:
                raise
        return await self._run(request)

    async def _run(self, request: bytes) -> Any:
        process = self._living() or await self._start()
        keep = False
        try:
            async with asyncio.timeout(self._limits.wall):
                outcome, result = await self._exchange(process, request)
            keep = outcome != RETIRED and not self._closed
        except TimeoutError:
            raise WorkerFailedError("timeout") from None
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            raise WorkerFailedError("killed") from None
        finally:
            if keep:
                self._idle.append(process)
            else:
                await _kill(process)
        if outcome == FAILED or (outcome == RETIRED and result is None):
            raise WorkerFailedError("failed")
        return result

    def _living(self) -> Process | None:
        """An idle process; one that died meanwhile, as for want of memory, is let go."""
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
        return None

    async def _exchange(self, process: Process, request: bytes) -> tuple[str, Any]:
        assert process.stdin is not None  # noqa: S101 (both are pipes)
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(len(request).to_bytes(HEADER_BYTES, "big") + request)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(HEADER_BYTES), "big")
        if size > self._limits.reply:
            raise WorkerFailedError("too_large")
        outcome, result = json.loads(await process.stdout.readexactly(size))
        if outcome not in (DONE, FAILED, RETIRED):
            raise ValueError(outcome)
        return outcome, result

    async def _start(self) -> Process:
        limits = self._limits
        arguments = (self._module, str(limits.memory), str(limits.cpu))
        given = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "kit.workers.child", *arguments,
                stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=given, limit=PIPE_BYTES,
            )  # fmt: skip
        except OSError:
            raise WorkerFailedError("not_started") from None


async def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
