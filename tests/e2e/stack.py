"""The product as it runs: every service a process of its own, beside the sandbox, on engines that may be killed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import httpx2
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from pydantic import SecretStr

from deploy.local import Runner
from kit.kafka.broker import consumer_options
from kit.mongo import Database, connect
from kit.settings import KafkaSettings, MongoSettings
from kit.vault import new_key
from sandbox.environment import environment
from tests.ports import own_port
from tests.unit.gateway.support import AUDIENCE, ISSUER, SECRET

ROOT = Path(__file__).parents[2]
STAGES = ("fetcher", "analyzer", "transformer", "writer", "awarder")
SERVICES = (*STAGES, "scheduler", "gateway")
SANDBOX = "sandbox"
START_SECONDS = 90

# Short waits, so that a killed process is missed soon. None of them changes what is promised.
QUICK = {
    "SESSION_TIMEOUT": "3",
    "REVOKE_TIMEOUT": "3",
    "COMMIT_INTERVAL": "0.2",
    "RETRY_BACKOFF": "0.2",
    "BREAKER_COOLDOWN": "1",
    "SUBSCRIPTION_SWEEP": "1",
}


class Stack:
    """Names are services; `fetcher-2` is a second process of the fetcher. Touches its own children only."""

    def __init__(self, kafka: Runner, mongo: Runner, folder: Path) -> None:
        self.kafka, self.mongo, self.folder = kafka, mongo, folder
        self.ports: dict[str, int] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: list[IO[bytes]] = []
        self.settings = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
            **environment(f"http://127.0.0.1:{self._port(SANDBOX)}"),
            **QUICK,
            "PYTHONPATH": str(ROOT),
            "KAFKA_BOOTSTRAP_SERVERS": kafka.address,
            "MONGODB_URL": mongo.address,
            "PUBLIC_URL": self.url("gateway"),
            "GATEWAY_URL": self.url("gateway"),
            "TOKEN_KEYS": new_key("first"),
            "WEBHOOK_KEY": SECRET,
            "JWT_KEY": SECRET,
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "TOKEN_REFUSED_FOR": "0",  # three refusals end a consent, however soon they come
            # one member pastes hundreds of links here
            "LIMIT_REPOSITORIES": "10000",
            "LIMIT_VIDEOS": "10000",
        }

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._port(name)}"

    def _port(self, name: str) -> int:
        """The same one after every start, as behind an address that does not move."""
        if name not in self.ports:
            self.ports[name] = own_port()
        return self.ports[name]

    def __enter__(self) -> Self:
        try:
            self.start(SANDBOX, *SERVICES)
            self.until_ready(SANDBOX, *SERVICES)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def start(self, *names: str) -> None:
        """Returns at once."""
        for name in names:
            log = (self.folder / f"{name}.log").open("ab")
            self._logs.append(log)
            self._processes[name] = subprocess.Popen(
                self._command(name),
                cwd=self.folder,
                env=self.settings | {"PORT": str(self._port(name))},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _command(self, name: str) -> list[str]:
        if name == SANDBOX:
            return [sys.executable, "-m", "sandbox", "--port", str(self._port(name))]
        return [sys.executable, "-m", f"services.{name.partition('-')[0]}.app"]

    def until_ready(self, *names: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        for name in names:
            while not self._ready(name):
                self.check()
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} is not ready\n{self.tail(name)}")
                time.sleep(0.1)

    def _ready(self, name: str) -> bool:
        try:
            path = "/_sandbox" if name == SANDBOX else "/readyz"
            return httpx2.get(self.url(name) + path, timeout=5, trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    def kill9(self, name: str) -> None:
        """SIGKILL, as in a crash; returns when the process is gone."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def terminate(self, name: str) -> None:
        """SIGTERM, and the process drains; returns when it is gone. Fails if it has to be killed."""
        process = self._processes.pop(name)
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{name} did not end on SIGTERM\n{self.tail(name)}") from None

    def check(self) -> None:
        """Fails if a process ended that nobody ended."""
        for name, process in list(self._processes.items()):
            assert process.poll() is None, f"{name} ended with {process.returncode}\n{self.tail(name)}"

    def tail(self, name: str, lines: int = 30) -> str:
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def database(self) -> Database:
        """Belongs to the running event loop; close its client."""
        return connect(MongoSettings(mongodb_url=SecretStr(self.mongo.address)))

    @property
    def kafka_settings(self) -> KafkaSettings:
        return KafkaSettings(kafka_bootstrap_servers=self.kafka.address)

    def kafka_options(self) -> dict[str, object]:
        """For a bare aiokafka client."""
        return consumer_options(self.kafka_settings, "test")

    async def records(self, *topics: str) -> "list[ConsumerRecord[Any, Any]]":
        """Every record of these topics, as it lies there."""
        consumer = AIOKafkaConsumer(*topics, **self.kafka_options(), auto_offset_reset="earliest")
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            found: list[ConsumerRecord[Any, Any]] = []
            while any([await consumer.position(tp) < ends[tp] for tp in ends]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
            return found
        finally:
            await consumer.stop()

    def thrive(self, *arguments: str) -> str:
        """What the command line prints. Fails if it does."""
        command = [sys.executable, "-c", "from cli.main import app; app()", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.settings, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"thrive {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _end(self) -> None:
        processes: Iterable[subprocess.Popen[bytes]] = self._processes.values()
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        for log in self._logs:
            log.close()
