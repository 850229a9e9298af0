"""The engines in Docker, for machines that have it: same versions' family, same settings, same checks of readiness."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer

from deploy.local.engine import LOOPBACK, NotReadyError
from deploy.local.kafka import BROKER_SETTINGS, kafka_answers
from deploy.local.mongo import REPLICA_SET, mongo_answers, mongod_options
from tests.ports import own_port


def docker_answers() -> bool:
    """Whether a Docker daemon can be used; asks for two seconds at most."""
    try:
        client = docker.from_env(timeout=2)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except DockerException:
        return False
    finally:
        client.close()


@contextmanager
def kafka_container(image: str = "apache/kafka:4.4.0") -> Iterator[str]:
    """Yields the bootstrap address."""
    port = own_port()
    settings = {
        **BROKER_SETTINGS,
        "listeners": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.quorum.voters": "1@localhost:9093",
    }
    container = _published(DockerContainer(image), port)
    for key, value in settings.items():
        container = container.with_env("KAFKA_" + key.replace(".", "_").upper(), value)
    with container:
        address = f"{LOOPBACK}:{port}"
        _wait(lambda: kafka_answers(address))
        yield address


@contextmanager
def mongo_container(image: str = "mongo:8.0") -> Iterator[str]:
    """Yields the URL. The port is the same inside, where the set's only member must reach itself."""
    port = own_port()
    command = ["mongod", "--bind_ip_all", *mongod_options(port)]
    container = _published(DockerContainer(image), port).with_command(command)
    with container:
        _wait(lambda: mongo_answers(port))
        yield f"mongodb://{LOOPBACK}:{port}/?replicaSet={REPLICA_SET}&directConnection=true"


def _published(container: DockerContainer, port: int) -> DockerContainer:
    """On the loopback address only; `with_bind_ports` would open the port to the network."""
    container.ports[f"{port}/tcp"] = (LOOPBACK, port)  # type: ignore[assignment]  # docker takes an address as well
    return container


def _wait(probe: Callable[[], None], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            return probe()
        except NotReadyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
