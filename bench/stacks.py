"""The two that are compared, as processes: what they are called, what they listen on, what they cost."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench import floor
from deploy.local import free_port

MIB = 1024 * 1024
STAGES = tuple(floor.HOPS)
GATEWAY = floor.DOOR
JWT_KEY = "the bench signs its own tokens with this"


class BenchError(Exception):
    """The bench cannot go on; the message says why."""


class Member:
    """One process. Restarting keeps its name; its CPU time is counted over all its lives."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._command, self._environment, self._log = command, dict(environment), log
        self._process: subprocess.Popen[bytes] | None = None
        self._spent = 0.0

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    @property
    def pid(self) -> int:
        if self._process is None or self._process.poll() is not None:
            tail = self._log.read_text(errors="replace")[-2_000:] if self._log.exists() else ""
            raise BenchError(f"{self.name} is not running. The end of {self._log}:\n{tail}")
        return self._process.pid

    def cpu_seconds(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return float(self._spent + times.user + times.system)

    def rss_mib(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss / MIB)

    def kill9(self) -> None:
        self._spent = self.cpu_seconds()
        assert self._process is not None  # noqa: S101
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(25)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass
class Stack:
    """`prefix` stands before the names of its topics. `door` is where its gateway listens."""

    name: str
    prefix: str
    database: str
    door: str
    members: dict[str, Member] = field(default_factory=dict)

    def start(self) -> None:
        for member in self.members.values():
            member.start()

    def stop(self, *names: str) -> None:
        for name in names or tuple(self.members):
            self.members[name].stop()

    def check(self) -> None:
        """Raises BenchError when a process has ended."""
        for member in self.members.values():
            _ = member.pid

    def cpu_seconds(self) -> dict[str, float]:
        return {name: member.cpu_seconds() for name, member in self.members.items()}

    def rss_mib(self) -> float:
        return sum(member.rss_mib() for member in self.members.values())


def ours(environment: Mapping[str, str], logs: Path) -> Stack:
    """The real processes, with their own defaults."""
    port = free_port()
    stack = Stack("ours", "", "thrive", f"http://127.0.0.1:{port}")
    for name in (*STAGES, "scheduler", GATEWAY):
        own = {
            "PORT": str(port if name == GATEWAY else free_port()),
            "JWT_KEY": JWT_KEY,
            "MONGODB_DATABASE": stack.database,
            "LOG_LEVEL": "WARNING",
            "LIMIT_REPOSITORIES": "10000",  # an hour's imports of many are made by few members in a minute
        }
        command = [sys.executable, "-m", f"services.{name}.app"]
        stack.members[name] = Member(name, command, {**environment, **own}, logs / f"ours-{name}.log")
    return stack


def bare(environment: Mapping[str, str], logs: Path) -> Stack:
    """The floor."""
    port = free_port()
    stack = Stack("floor", floor.PREFIX, "floor", f"http://127.0.0.1:{port}")
    for name in (*STAGES, GATEWAY):
        own = {"PORT": str(port), "MONGODB_DATABASE": stack.database}
        command = [sys.executable, "-m", "bench.floor", name]
        stack.members[name] = Member(f"floor {name}", command, {**environment, **own}, logs / f"floor-{name}.log")
    return stack
