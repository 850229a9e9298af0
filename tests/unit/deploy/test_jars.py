"""Kafka's jars: only what the lock names is ever put on the class path."""

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from jgo.env import LockedDependency, LockFile
from jgo.maven import MavenContext

from deploy.local import EngineError, free_port
from deploy.local.jars import LOCK, ROOTS, ensure_jars

CONTENT = {"alpha": b"alpha's classes", "beta": b"beta's classes"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A Maven repository's folder with one version of each jar."""
    root = tmp_path / "repository"
    for name, content in CONTENT.items():
        folder = root / "org" / "example" / name / "1.0"
        folder.mkdir(parents=True)
        (folder / f"{name}-1.0.jar").write_bytes(content)
    return root


@pytest.fixture
def context(repository: Path) -> Iterator[MavenContext]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(repository)))
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield MavenContext(remote_repos={"test": f"http://127.0.0.1:{server.server_port}"})
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "kafka.lock"
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    LockFile([LockedDependency("org.example", name, "1.0", sha256=sums[name]) for name in CONTENT]).save(path)
    return path


def test_the_first_start_downloads_and_the_second_needs_no_network(
    tmp_path: Path, lock: Path, context: MavenContext
) -> None:
    jars = ensure_jars(tmp_path / "jars", lock, context)
    assert [jar.read_bytes() for jar in jars] == list(CONTENT.values())
    assert ensure_jars(tmp_path / "jars", lock, offline()) == jars
    assert sorted((tmp_path / "jars").iterdir()) == sorted(jars), "no scratch folder stays behind"


def test_a_tampered_download_is_refused_and_not_kept(
    tmp_path: Path, repository: Path, lock: Path, context: MavenContext
) -> None:
    (repository / "org/example/beta/1.0/beta-1.0.jar").write_bytes(b"something else")
    with pytest.raises(EngineError, match=r"beta-1\.0\.jar is not what kafka\.lock names.*tampered"):
        ensure_jars(tmp_path / "jars", lock, context)
    assert not (tmp_path / "jars" / "beta-1.0.jar").exists()


def test_a_jar_that_changed_on_disk_is_refused(tmp_path: Path, lock: Path, context: MavenContext) -> None:
    jars = ensure_jars(tmp_path / "jars", lock, context)
    jars[0].write_bytes(b"something else")
    with pytest.raises(EngineError, match=r"alpha-1\.0\.jar is not what kafka\.lock names.*Delete"):
        ensure_jars(tmp_path / "jars", lock, context)


def test_a_broken_off_first_start_is_taken_up_again(
    tmp_path: Path, repository: Path, lock: Path, context: MavenContext
) -> None:
    beta = repository / "org/example/beta/1.0/beta-1.0.jar"
    beta.unlink()
    with pytest.raises(EngineError, match="could not be downloaded"):
        ensure_jars(tmp_path / "jars", lock, context)
    beta.write_bytes(CONTENT["beta"])
    assert len(ensure_jars(tmp_path / "jars", lock, context)) == len(CONTENT)


def test_without_a_network_the_first_start_says_what_to_do(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(EngineError, match=r"needs the network.*KAFKA_BOOTSTRAP_SERVERS"):
        ensure_jars(tmp_path / "jars", lock, offline())


def test_the_committed_lock_pins_every_jar_and_names_no_host() -> None:
    jars = LockFile.load(LOCK).dependencies
    assert all(jar.sha256 and len(jar.sha256) == 64 for jar in jars)
    assert {f"{jar.groupId}:{jar.artifactId}:{jar.version}" for jar in jars} >= set(ROOTS)
    assert "://" not in LOCK.read_text()


def offline() -> MavenContext:
    return MavenContext(remote_repos={"gone": f"http://127.0.0.1:{free_port()}"})
