"""The worker's own side: one task at a time, read from standard input, until that is closed.

`python -m kit.workers.child MODULE MEMORY CPU` serves the functions in the module's `TASKS` by their names. Frames are
a length of four bytes and JSON: `[function, {argument: value}]` in, `[outcome, result]` out.
"""

import gc
import importlib
import json
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

HEADER_BYTES = 4
DONE, FAILED, RETIRED = "done", "failed", "retired"  # the last is done too, and the worker ends by itself


def main(module: str, memory: int, cpu: int) -> None:
    # Whoever interrupts the parent's whole group means the parent: this one ends when its input does.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    gc.disable()  # a tree of a million nodes, looked through again and again, and none of it to be freed
    tasks: Mapping[str, Callable[..., Any]] = importlib.import_module(module).TASKS
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_AS, memory)
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    outcome = DONE
    while outcome != RETIRED and (request := _frame(requests)) is not None:
        _allow_cpu(cpu)
        outcome, result = _done(tasks, request, memory)
        reply = json.dumps([outcome, result], ensure_ascii=False).encode()
        replies.write(len(reply).to_bytes(HEADER_BYTES, "big") + reply)
        replies.flush()


def _done(tasks: Mapping[str, Callable[..., Any]], request: bytes, memory: int) -> tuple[str, Any]:
    try:
        function, arguments = json.loads(request)
        result = tasks[function](**arguments)
    except MemoryError:
        return RETIRED, None
    except Exception as error:
        return FAILED, type(error).__name__
    # What the allocator has taken for a large text it may keep: then the next task begins anew.
    return RETIRED if _resident() > memory // 4 else DONE, result


def _resident() -> int:
    """Bytes in memory now, where the system tells; `ru_maxrss` would count the parent's from before the start."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0


def _frame(source: BinaryIO) -> bytes | None:
    header = source.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    size = int.from_bytes(header, "big")
    body = source.read(size)
    return body if len(body) == size else None


def _allow_cpu(seconds: int) -> None:
    """Beside what was used so far; who takes more is ended by the kernel."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _limit(what: int, most: int) -> None:
    with suppress(ValueError, OSError):  # lower already, or unknown to this system
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
