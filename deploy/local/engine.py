"""What Kafka and MongoDB have in common when they run here without Docker: checks before the start, waiting, words.

An `Engine` knows how one engine is prepared, started and asked whether it answers; it starts nothing itself. A
process manager runs `command()`; `deploy.local.runner` does so for tests and `python -m deploy.local up`.
"""

import random
import shutil
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import psutil

from deploy.local.diagnosis import known_cause

LOOPBACK = "127.0.0.1"
MIB = 1024 * 1024


class EngineError(Exception):
    """An engine cannot be had; the message says what to do about it."""


class NotReadyError(Exception):
    """The engine does not answer yet."""


class Engine(ABC):
    """One engine: its data in `data_dir`, listening on `127.0.0.1:port` only."""

    name: ClassVar[str]
    port_setting: ClassVar[str]  # the environment variable that moves the port
    address_setting: ClassVar[str]  # the environment variable that points at an engine elsewhere

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self.min_free_bytes = 512 * MIB

    @property
    def log_path(self) -> Path:
        """Whoever runs `command()` sends its output here; `wait_ready` quotes from it."""
        return self.data_dir / "log"

    @property
    @abstractmethod
    def address(self) -> str:
        """What a client connects to."""

    @abstractmethod
    def prepare(self) -> None:
        """Make everything that `command()` needs: programs, configuration, storage. Idempotent, blocking.

        Raises EngineError.
        """

    @abstractmethod
    def command(self) -> list[str]:
        """The engine in the foreground; SIGTERM ends it cleanly. Runs after `prepare()`."""

    @abstractmethod
    def probe(self) -> None:
        """Ask once whether the engine serves clients, in a few seconds at most. Raises NotReadyError."""

    def ports(self) -> dict[str, int]:
        """Every port that is needed, by the setting that moves it."""
        return {self.port_setting: self.port}

    def check(self) -> None:
        """Before the start: raises EngineError when a port is taken or the data cannot be stored."""
        for setting, port in self.ports().items():
            if not port_is_free(port):
                raise EngineError(
                    f"{self.name} cannot start: port {port} is taken{holder(port)}. "
                    f"Stop that program, set {setting} to another port, "
                    f"or set {self.address_setting} to a {self.name} that runs already."
                )
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.data_dir).free
        except OSError as error:
            raise EngineError(f"{self.name} cannot start: {error}. Set LOCAL_DIR to a folder of yours.") from error
        if free < self.min_free_bytes:
            raise EngineError(
                f"{self.name} cannot start: {free // MIB} MiB are free at {self.data_dir}, "
                f"{self.min_free_bytes // MIB} MiB are needed. Make room, or set LOCAL_DIR to a folder on another disk."
            )

    def wait_ready(self, timeout: float = 60, alive: Callable[[], bool] = lambda: True) -> None:
        """Block until the engine serves clients, `timeout` seconds at most.

        `alive` tells whether its process still runs. Raises EngineError with the end of the engine's log.
        """
        deadline = time.monotonic() + timeout
        while True:
            if not alive():
                raise EngineError(f"{self.name} stopped while starting. {self.diagnosis()}")
            try:
                return self.probe()
            except NotReadyError as error:
                if time.monotonic() > deadline:
                    raise EngineError(
                        f"{self.name} did not answer at {LOOPBACK}:{self.port} within {timeout:.0f} s ({error}). "
                        f"{self.diagnosis()}"
                    ) from error
            time.sleep(0.1)

    def diagnosis(self) -> str:
        """The cause where the log names a known one, and the log's last lines."""
        lines = self.log_path.read_text(errors="replace").splitlines()[-200:] if self.log_path.exists() else []
        hint = known_cause(self.name, self.data_dir, "\n".join(lines))
        tail = "\n  ".join(line[:300] for line in lines[-15:]) or "(empty)"
        return f"{hint + ' ' if hint else ''}The end of {self.log_path}:\n  {tail}"


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port outside the ephemeral range, and another one each time: whoever it is for takes a while to listen.

    Inside the range, a client that reconnects while the engine is down may be given that very port as its own and so
    take it, or even connect to itself.
    """
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311
        if port not in _given and port_is_free(port):
            _given.add(port)
            return port


_given: set[int] = set()  # to this process


def holder(port: int) -> str:
    """` by NAME (pid N)`, where the system lets us see it."""
    try:
        pids = [
            c.pid for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port and c.status == "LISTEN"
        ]
        return f" by {psutil.Process(pids[0]).name()} (pid {pids[0]})" if pids and pids[0] else ""
    except psutil.Error:
        return ""
