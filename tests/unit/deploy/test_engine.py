"""When an engine cannot run here, the message says why and what to do."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import EngineError, Kafka, LocalSettings, Mongo, Runner, free_port
from deploy.local.engine import port_is_free
from deploy.local.mongo import check_mongod, find_mongod


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        yield other.getsockname()[1]


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_taken_port_is_named_with_the_setting_that_moves_it(tmp_path: Path, taken: int) -> None:
    with pytest.raises(EngineError, match=f"Kafka cannot start: port {taken} is taken.*set KAFKA_PORT"):
        Kafka(tmp_path, taken, free_port()).check()
    with pytest.raises(EngineError, match=f"port {taken} is taken.*set KAFKA_CONTROLLER_PORT"):
        Kafka(tmp_path, free_port(), taken).check()
    with pytest.raises(
        EngineError, match=f"MongoDB cannot start: port {taken} is taken.*set MONGODB_PORT.*MONGODB_URL"
    ):
        Mongo(tmp_path, taken).check()


def test_free_ports_are_free_and_below_the_ephemeral_range() -> None:
    port = free_port()
    assert port_is_free(port)
    assert port < 32_768


def test_too_little_room_is_said_before_anything_is_downloaded(tmp_path: Path) -> None:
    engine = Kafka(tmp_path / "kafka", free_port(), free_port())
    engine.min_free_bytes = shutil.disk_usage(tmp_path).total + 1
    with pytest.raises(EngineError, match=r"MiB are free at .* are needed\. Make room, or set LOCAL_DIR"):
        Runner(engine).start()
    assert not engine.jars_dir.exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineError, match="Set LOCAL_DIR"):
        Mongo(tmp_path / "file" / "mongodb", free_port()).check()


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        (
            "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file",
            r"mongod needs the C library libcurl\.so\.4.*: sudo apt-get install libcurl4\.",
        ),
        (
            "mongod: error while loading shared libraries: libodd.so.7: cannot open shared object file",
            r"mongod needs the C library libodd\.so\.7.*: install the package",
        ),
        ("mongod: /lib/libc.so.6: version `GLIBC_2.35' not found (required by mongod)", "needs GLIBC_2.35, newer than"),
        ("something nobody foresaw", "does not start: something nobody foresaw"),
    ],
)
def test_a_mongod_that_cannot_be_loaded_says_what_to_install(tmp_path: Path, output: str, advice: str) -> None:
    mongod = program(tmp_path / "mongod", f'echo "{output.replace("`", chr(92) + "`")}" >&2; exit 127')
    with pytest.raises(EngineError, match=advice):
        Mongo(tmp_path / "data", free_port(), mongod=mongod).prepare()


def test_a_cpu_without_avx_and_a_foreign_binary_are_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="CPU with AVX"):
        check_mongod(program(tmp_path / "old-cpu", "kill -ILL $$"))
    (foreign := tmp_path / "foreign").write_bytes(b"\x7fELF for another machine")
    foreign.chmod(0o755)
    with pytest.raises(EngineError, match="cannot be run here"):
        check_mongod(foreign)


def test_an_engine_that_dies_while_starting_shows_the_end_of_its_log_and_the_cause(tmp_path: Path) -> None:
    script = 'test "$1" = --version && exit 0; echo "write failed: No space left on device"; exit 14'
    runner = Runner(Mongo(tmp_path / "data", free_port(), mongod=program(tmp_path / "mongod", script)))
    with pytest.raises(
        EngineError, match=r"(?s)MongoDB stopped while starting\. The disk under .* is full.*write failed"
    ):
        runner.start()
    assert not runner.alive


def test_an_engine_that_never_answers_is_given_up_and_ended(tmp_path: Path) -> None:
    script = 'test "$1" = --version && exit 0; exec sleep 60'
    runner = Runner(Mongo(tmp_path / "data", free_port(), mongod=program(tmp_path / "mongod", script)))
    with pytest.raises(EngineError, match=r"did not answer at 127\.0\.0\.1"):
        runner.start(timeout=0.3)
    assert not runner.alive


def test_a_mongod_on_path_is_preferred_to_the_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mongod = program(tmp_path / "mongod", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_mongod() == mongod


def test_addresses_in_the_environment_replace_the_local_engines() -> None:
    settings = LocalSettings(kafka_bootstrap_servers="kafka.internal:9092", mongodb_url="mongodb://db.internal/")
    assert settings.kafka() is None
    assert settings.mongo() is None
    assert settings.environment() == {
        "KAFKA_BOOTSTRAP_SERVERS": "kafka.internal:9092",
        "MONGODB_URL": "mongodb://db.internal/",
    }


def test_the_local_engines_have_the_addresses_that_services_expect_by_default() -> None:
    settings = LocalSettings(kafka_bootstrap_servers="", mongodb_url="", kafka_port=9092, mongodb_port=27017)
    assert settings.environment() == {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "MONGODB_URL": "mongodb://127.0.0.1:27017/?replicaSet=rs0&directConnection=true",
    }


def test_an_old_mongod_is_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for version in ("4.4.1", "4.4.1", "7.0.24", "8.0.4"):
        check_mongod(program(tmp_path / version, f"echo 'db version v{version}'"))
    assert [record.getMessage() for record in caplog.records] == [
        "mongod 4.4.1 is for trying out only: production needs MongoDB 7.0 or 8.0."
    ]
