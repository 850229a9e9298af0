"""The whole system on this machine: engines, the sandbox where it is wanted, stages, scheduler, gateway."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
from pydantic import Field

from deploy.local.declared import of_the_real_system, withheld
from deploy.local.engine import LOOPBACK, Engine, EngineError, holder, port_is_free
from deploy.local.kafka import Kafka
from deploy.local.keys import keep
from deploy.local.mongo import Mongo
from deploy.local.ports import PORTS, Ports, free_or_another
from deploy.local.processes import Processes
from deploy.local.programs import Program
from deploy.local.settings import LocalSettings
from sandbox.environment import environment as sandbox_environment

GROUPS = ("engines", "upstreams", "services", "front")  # the order of the start; the end is the other way round
SANDBOX_PORT = 9100
# slow as the real ones are, so that progress can be seen
SANDBOX = (sys.executable, "-m", "sandbox", "--latency", "0.2", "--model-latency", "1.5")
READY_SECONDS = 120
FOR_OPERATORS = ("GATEWAY_URL", "KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URL", "MONGODB_DATABASE", "JWT_KEY", "TOKEN_KEYS")

Say = Callable[[str], None]


class StackSettings(LocalSettings):
    port: int = Field(8000, ge=1, le=65_535, description="the gateway's")
    # where each stage and the scheduler answer their probes; another one is taken where it is not free
    fetcher_port: int = Field(PORTS["fetcher"], ge=1, le=65_535)
    analyzer_port: int = Field(PORTS["analyzer"], ge=1, le=65_535)
    transformer_port: int = Field(PORTS["transformer"], ge=1, le=65_535)
    writer_port: int = Field(PORTS["writer"], ge=1, le=65_535)
    awarder_port: int = Field(PORTS["awarder"], ge=1, le=65_535)
    scheduler_port: int = Field(PORTS["scheduler"], ge=1, le=65_535)

    @property
    def demo_dir(self) -> Path:
        return self.local_dir / "demo"

    def stage_ports(self) -> dict[str, int]:
        """Those that are set, or others where these are taken."""
        return {name: free_or_another(getattr(self, f"{name}_port")) for name in PORTS}


@dataclass(frozen=True)
class Stack:
    """What runs, and where. `ports`: of every process that answers HTTP, the gateway last."""

    home: Path
    engines: tuple[Engine, ...]
    ports: Ports
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['gateway']}"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def operator_env(self) -> Path:
        """What the `thrive` command needs to speak of this system, while it runs (`thrive --env-file`)."""
        return self.home / "operator.env"

    def programs(self) -> list[Program]:
        engines = [Program(one.name.lower(), "engines", one.command(), one.log_path) for one in self.engines]
        return [*engines, *(self._program(name, port) for name, port in self.ports.items())]

    def _program(self, name: str, port: int) -> Program:
        log = self.logs.absolute() / f"{name}.log"
        if name == "sandbox":
            return Program(name, "upstreams", [*SANDBOX, "--port", str(port)], log)
        hidden = [part for other in withheld(name, self.environment) for part in ("-u", other)]
        command = ["env", *hidden, sys.executable, "-m", f"services.{name}.app"]
        group = "front" if name == "gateway" else "services"
        return Program(name, group, self.ports.command(name, command), log, stop_seconds=40)

    @contextmanager
    def running(self, say: Say) -> Iterator[Processes]:
        """All of it, ready; stopped in order on leaving. Raises EngineError, and then nothing is left running."""
        for engine in self.engines:
            engine.check()
            say(f"Preparing {engine.name} …")
            engine.prepare()
        programs = self.programs()
        with Processes(programs, GROUPS, self.home, self.environment) as processes:
            processes.start("engines")
            for engine, program in zip(self.engines, programs, strict=False):
                engine.wait_ready(READY_SECONDS, partial(processes.runs, program))
                say(f"  {engine.name:<12} {LOOPBACK}:{engine.port}")
            for group in GROUPS[1:]:
                processes.start(group)
            for name in self.ports:
                wait_ready(processes, next(one for one in programs if one.name == name), self.ports)
                say(f"  {name:<12} http://{LOOPBACK}:{self.ports[name]}")
            known = {"GATEWAY_URL": self.url, **self.environment}
            keep(self.operator_env, "".join(f"{name}='{known[name]}'\n" for name in FOR_OPERATORS if known.get(name)))
            try:
                yield processes
            finally:
                self.operator_env.unlink(missing_ok=True)


def wait_ready(processes: Processes, program: Program, ports: Ports, timeout: float = READY_SECONDS) -> None:
    """Until it answers that it is ready, on another port where it lost its own to somebody who was quicker. Raises
    EngineError with the end of its log."""
    path = "/_sandbox/links" if program.name == "sandbox" else "/readyz"
    deadline = time.monotonic() + timeout
    while not (processes.listens(program, port := ports[program.name]) and answers(f"http://{LOOPBACK}:{port}{path}")):
        state = processes.state(program)
        if state == "BACKOFF":  # it has ended, and is started again in a moment
            ports.move(program.name)
        given_up = state == "FATAL"
        if given_up or time.monotonic() > deadline:
            trouble = "does not start" if given_up else f"is not ready after {timeout:.0f} s"
            raise EngineError(f"{program.name} {trouble}. The end of {program.log}:\n{tail(program.log)}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=3, trust_env=False).is_success
    except httpx2.HTTPError:
        return False


def tail(log: Path, lines: int = 15) -> str:
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"  {line[:300]}" for line in text.splitlines()[-lines:]) or "  (empty)"


def run_stack(settings: StackSettings, secrets: Mapping[str, str]) -> Stack:
    """Against the real upstreams, on the ports that are set. Raises EngineError when the gateway's is taken."""
    if not port_is_free(settings.port):
        raise EngineError(
            f"The gateway cannot start: port {settings.port} is taken{holder(settings.port)}. "
            "Stop that program, or set PORT to another port."
        )
    return Stack(
        home=settings.local_dir,
        engines=tuple(engine for engine in (settings.kafka(), settings.mongo()) if engine),
        ports=Ports({**settings.stage_ports(), "gateway": settings.port}, settings.local_dir),
        environment={
            "PUBLIC_URL": f"http://{LOOPBACK}:{settings.port}",
            **os.environ,
            **settings.environment(),
            **secrets,
            "PYTHONUNBUFFERED": "1",
        },
    )


def demo_stack(settings: StackSettings, secrets: Mapping[str, str]) -> Stack:
    """With the sandbox, data of its own, and other ports where the usual ones are taken."""
    home = settings.demo_dir
    kafka = settings.kafka() and Kafka(
        home / "kafka",
        free_or_another(settings.kafka_port),
        free_or_another(settings.kafka_controller_port),
        jars_dir=settings.local_dir / "kafka" / "jars",
    )
    mongo = settings.mongo() and Mongo(home / "mongodb", free_or_another(settings.mongodb_port))
    sandbox, gateway = free_or_another(SANDBOX_PORT), free_or_another(settings.port)
    ports = Ports({"sandbox": sandbox, **settings.stage_ports(), "gateway": gateway}, home)
    real = of_the_real_system()
    environment = {
        **{name: value for name, value in os.environ.items() if name.upper() not in real},
        "MONGODB_DATABASE": os.environ.get("MONGODB_DATABASE") or "thrive-demo",
        "HOST": LOOPBACK,
        "PUBLIC_URL": f"http://{LOOPBACK}:{ports['gateway']}",
        "LIMIT_REPOSITORIES": "1000",  # one member pastes more than an hour allows
        "LIMIT_VIDEOS": "1000",
        "SUBSCRIPTION_SWEEP": "2",  # somebody watches
        **settings.environment(),
        **({"KAFKA_BOOTSTRAP_SERVERS": kafka.address} if kafka else {}),
        **({"MONGODB_URL": mongo.address} if mongo else {}),
        **sandbox_environment(f"http://{LOOPBACK}:{ports['sandbox']}"),
        **secrets,
        "PYTHONUNBUFFERED": "1",
    }
    return Stack(home, tuple(engine for engine in (kafka, mongo) if engine), ports, environment)
