"""Tasks for worker processes to fail at."""

import os
import signal
from typing import Any


def echo(value: Any) -> Any:
    return value


def pid() -> int:
    return os.getpid()


def environment() -> list[str]:
    return sorted(os.environ)


def spin(begun: str = "") -> None:
    """Never ends."""
    if begun:
        os.close(os.open(begun, os.O_CREAT | os.O_WRONLY))
    while True:
        pass


def eat() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(1_000_000))


def large(size: int) -> str:
    return "a" * size


def swell(size: int) -> int:
    """Ends well, and keeps much memory."""
    kept.append(b"a" * size)
    return len(kept[-1])


kept: list[bytes] = []


def wrong() -> None:
    raise ValueError("secret words")


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def crash_once(trace: str) -> str:
    """The process that leaves the trace dies."""
    if os.path.exists(trace):  # noqa: PTH110
        return "whole"
    os.close(os.open(trace, os.O_CREAT | os.O_WRONLY))
    crash()
    return ""


TASKS = {task.__name__: task for task in (echo, pid, environment, spin, eat, large, swell, wrong, crash, crash_once)}
