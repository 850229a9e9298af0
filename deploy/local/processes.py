"""Processes under supervisord: started group by group, restarted when they die, stopped in the opposite order.

supervisord is our child and ends with us. Its configuration holds no secret: settings travel in its environment.
"""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from xmlrpc.client import ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from deploy.local.engine import EngineError
from deploy.local.programs import Program, configuration


class Processes:
    """`groups` in the order of their start. Every method blocks; call them from one thread, inside `only_one`."""

    def __init__(
        self, programs: Sequence[Program], groups: Sequence[str], home: Path, environment: Mapping[str, str]
    ) -> None:
        self.programs = programs
        self._groups = [group for group in groups if any(program.group == group for program in programs)]
        self._home = home.absolute()
        self._environment = dict(environment)
        self._stack = ExitStack()
        self._rpc: Any = None

    def __enter__(self) -> Self:
        """Start supervisord, and nothing else yet. Raises EngineError."""
        with ExitStack() as stack:
            self._home.mkdir(parents=True, exist_ok=True)
            for program in self.programs:
                program.log.parent.mkdir(parents=True, exist_ok=True)
                if program.log.exists():
                    program.log.replace(program.log.with_suffix(".previous"))
            # a short path: that of a socket may have 104 bytes at most
            socket = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thrive-"))) / "rpc.sock"
            config = self._home / "supervisord.conf"
            config.write_text(configuration(self.programs, self._groups, self._home, socket))
            errors = stack.enter_context((self._home / "supervisord.err").open("w+"))
            supervisord = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(config)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop all in order
            )
            stack.callback(_end, supervisord, sum(self._longest_stop(group) for group in self._groups) + 10)
            self._rpc = _connect(socket, supervisord, errors)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self, group: str) -> None:
        """Start all of a group at once; returns before they are ready."""
        if group in self._groups:
            self._rpc.startProcessGroup(group, False)

    def state(self, program: Program) -> str:
        """supervisord's word: STARTING, RUNNING, BACKOFF (it ended, and is tried again), FATAL (given up) …"""
        return str(self._info(program)["statename"])

    def runs(self, program: Program) -> bool:
        return self.state(program) in ("STARTING", "RUNNING")

    def pid(self, program: Program) -> int:
        return int(self._info(program)["pid"])

    def listens(self, program: Program, port: int) -> bool:
        """Whether it is this program that has the port, and not somebody who was quicker."""
        with suppress(psutil.Error):
            sockets = psutil.Process(self.pid(program)).net_connections("tcp")
            return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in sockets)
        return False

    def _info(self, program: Program) -> dict[str, Any]:
        try:
            info: dict[str, Any] = self._rpc.getProcessInfo(f"{program.group}:{program.name}")
        except OSError as error:
            raise EngineError(f"supervisord has stopped; see {self._home / 'supervisord.log'}.") from error
        return info

    def _longest_stop(self, group: str) -> int:
        return max(program.stop_seconds for program in self.programs if program.group == group)


@contextmanager
def only_one(home: Path, name: str) -> Iterator[None]:
    """Hold the folder, and stop what a run that was killed left behind. Raises EngineError when it is held already."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise EngineError(f"{name} is already running here (pid {file.read()}). Stop it first.") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        _end_leftover(home.absolute())
        yield


def _end_leftover(home: Path) -> None:
    with suppress(OSError, ValueError, psutil.Error):
        leftover = psutil.Process(int((home / "supervisord.pid").read_text()))
        if str(home / "supervisord.conf") in leftover.cmdline():
            leftover.terminate()
            leftover.wait(120)


def _connect(socket: Path, supervisord: subprocess.Popen[bytes], errors: IO[str]) -> Any:
    while supervisord.poll() is None:
        with suppress(OSError):
            rpc: Any = ServerProxy("http://localhost", transport=SupervisorTransport(serverurl=f"unix://{socket}"))
            rpc.supervisor.getState()
            return rpc.supervisor
        time.sleep(0.05)
    errors.seek(0)
    raise EngineError(f"supervisord does not start: {errors.read()[-1000:]}")


def _end(supervisord: subprocess.Popen[bytes], patience: float) -> None:
    """SIGTERM: it stops its processes in order, and kills those that take longer than they may."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(supervisord.pid).children(recursive=True)
        supervisord.terminate()
        try:
            supervisord.wait(patience)
        except subprocess.TimeoutExpired:
            supervisord.kill()
            supervisord.wait()
        for child in children:  # none, unless supervisord was killed
            with suppress(psutil.NoSuchProcess):
                child.kill()
    supervisord.wait()
