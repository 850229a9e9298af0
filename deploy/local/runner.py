"""Runs one engine as a child process: for tests, which also kill it, and for `python -m deploy.local up`."""

import subprocess
from types import TracebackType
from typing import Self

from deploy.local.engine import Engine


class Runner:
    """Every method blocks: in a coroutine, `await asyncio.to_thread(runner.restart)`. Touches its own child only."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return self.engine.address

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, timeout: float = 60) -> None:
        """Prepare, start and wait until it serves clients. Raises EngineError, and then nothing is left running."""
        if self.alive:
            return
        self.engine.check()
        self.engine.prepare()
        log = self.engine.log_path
        if log.exists():
            log.replace(log.with_suffix(".previous"))
        with log.open("wb") as output:
            # a session of its own, so that Ctrl-C reaches us alone and we stop it in order
            self._process = subprocess.Popen(
                self.engine.command(), stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
            )
        try:
            self.engine.wait_ready(timeout, alive=lambda: self.alive)
        except BaseException:
            self.kill9()
            raise

    def stop(self, timeout: float = 30) -> None:
        """SIGTERM, and SIGKILL after `timeout` seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill9(self) -> None:
        """SIGKILL: no goodbye, as in a crash. Returns when the process is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self, timeout: float = 60) -> None:
        """On the same port and data, after a clean stop if it still runs."""
        self.stop()
        self.start(timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
