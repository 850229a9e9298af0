"""Engines for tests: from the environment, else in Docker where a daemon answers, else embedded.

`kafka` and `mongodb` are one of each for the whole run, or for each of its workers; isolate a test in them by
`topic_prefix` and `database`.
`engines` gives a test engines of its own, which it may kill.
"""

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from docker.errors import DockerException
from hypothesis import HealthCheck, settings
from pymongo import MongoClient

from deploy.local import Kafka, Mongo, Runner
from tests.containers import docker_answers, kafka_container, mongo_container
from tests.databases import SpareDatabases
from tests.ports import own_port

ROOT = Path(__file__).parent.parent
LOCAL = ROOT / ".local"
JARS = LOCAL / "kafka" / "jars"
MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
ROOM = 4 * 1024**3  # bytes
PREFIX = "thrive-test-"
ENGINE_FIXTURES = {"kafka", "mongodb", "engines"}
HEAVY_FIXTURES = {"kafka", "engines", "stack"}

# What is set around us is for a stack of somebody's own, but for the engines.
for _name in re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE):
    if not _name.startswith(("KAFKA_", "MONGODB_")):
        os.environ.pop(_name, None)

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")  # busy machines are slow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses an engine carries the marker, and so does what wants both cores for itself."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if ENGINE_FIXTURES & fixtures:
            item.add_marker("engines")
        if HEAVY_FIXTURES & fixtures:
            item.add_marker("alone")


@pytest.fixture(scope="session")
def engines_dir() -> Iterator[Path]:
    """Where embedded engines keep their data during this run. Runs that were killed are cleared away first."""
    _sweep()
    LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=_disk()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def in_docker() -> bool:
    return docker_answers()


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """Bootstrap servers of a real Kafka, shared by the run. Topics are not created by themselves."""
    yield from _engine(request, "KAFKA_BOOTSTRAP_SERVERS", kafka_container, new_kafka)


@pytest.fixture(scope="session")
def mongodb(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a real MongoDB replica set, shared by the run."""
    yield from _engine(request, "MONGODB_URL", mongo_container, new_mongo, _suit_tests)


class Engines:
    """Makes engines that belong to one test: `runner.kill9()`, `.restart()` … block, see `deploy.local.runner`."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._stack = stack
        stack.callback(shutil.rmtree, self._folder, ignore_errors=True)

    def kafka(self) -> Runner:
        """A running Kafka."""
        return self._stack.enter_context(new_kafka(self._folder))

    def mongo(self) -> Runner:
        """A running replica set of one."""
        return self._stack.enter_context(new_mongo(self._folder))


@pytest.fixture
def engines(engines_dir: Path) -> Iterator[Engines]:
    """Embedded engines of the test's own, stopped when it ends."""
    with ExitStack() as stack:
        yield Engines(engines_dir, stack)


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> str:
    """A prefix for topic, group and client names that no other test has; ends with a dot."""
    return f"{_unique(request)}."


@pytest.fixture(scope="session")
def spare_databases(mongodb: str) -> Iterator[SpareDatabases]:
    with SpareDatabases(mongodb) as made:
        yield made


@pytest.fixture
def database(spare_databases: SpareDatabases) -> str:
    """The name of an empty database that no other test uses at the time."""
    return spare_databases.take()


def new_kafka(folder: Path) -> Runner:
    return Runner(Kafka(folder / f"kafka-{uuid.uuid4().hex[:8]}", own_port(), own_port(), jars_dir=JARS))


def new_mongo(folder: Path) -> Runner:
    return Runner(Mongo(folder / f"mongodb-{uuid.uuid4().hex[:8]}", own_port()))


def _engine(
    request: pytest.FixtureRequest,
    setting: str,
    container: Callable[[], AbstractContextManager[str]],
    embedded: Callable[[Path], Runner],
    prepare: Callable[[str], None] = lambda _address: None,
) -> Iterator[str]:
    """`prepare` is done to an engine of our own, and not to one from the environment."""
    if address := os.environ.get(setting):
        yield address
        return
    with ExitStack() as stack:
        address = _in_container(request, stack, container) or _embedded(request, stack, embedded)
        prepare(address)
        yield address


def _in_container(
    request: pytest.FixtureRequest, stack: ExitStack, container: Callable[[], AbstractContextManager[str]]
) -> str | None:
    if not request.getfixturevalue("in_docker"):
        return None
    try:
        return stack.enter_context(container())
    except DockerException:  # no image and no network to pull it
        return None


def _embedded(request: pytest.FixtureRequest, stack: ExitStack, embedded: Callable[[Path], Runner]) -> str:
    return stack.enter_context(embedded(request.getfixturevalue("engines_dir"))).address


def _suit_tests(mongodb: str) -> None:
    """Many tests have a clock that stands still in the past; what they write would be swept away under them."""
    with MongoClient[dict[str, Any]](mongodb) as client:
        client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})


def _unique(request: pytest.FixtureRequest) -> str:
    name = re.sub(r"\W+", "-", request.node.name).strip("-").lower()[:30]
    return f"{name}-{uuid.uuid4().hex[:8]}"


def _disk() -> Path:
    """In memory where there is room: nothing has to outlive the run."""
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free > ROOM:
            return MEMORY
    return LOCAL


def _sweep() -> None:
    """End engines and remove data of test runs that were killed before they could do so themselves."""
    for folder in (*LOCAL.glob(f"{PREFIX}*-*"), *MEMORY.glob(f"{PREFIX}*-*")):
        if psutil.pid_exists(int(folder.name.removeprefix(PREFIX).partition("-")[0])):
            continue
        for process in psutil.process_iter(["cmdline"]):
            if any(argument.startswith(f"{folder}/") for argument in process.info["cmdline"] or ()):
                with suppress(psutil.Error):
                    process.kill()
        shutil.rmtree(folder, ignore_errors=True)
