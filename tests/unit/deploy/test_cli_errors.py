"""What cannot start says why in plain words, and leaves nothing running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import typer

from deploy.local import free_port
from deploy.local.cli_errors import in_plain_words
from deploy.local.run import check_settings
from tests.unit.deploy.test_engine import program

ROOT = Path(__file__).parents[3]
ELSEWHERE = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092", "MONGODB_URL": "mongodb://mongodb.example"}
RUN, DEMO, UP = ("deploy.start", "deploy.local.run"), ("deploy.start", "demo.main", "--exit"), ("deploy.local", "up")


def start(module: tuple[str, ...], folder: Path, **settings: str) -> "subprocess.Popen[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = kept | {"PYTHONPATH": str(ROOT), "LOCAL_DIR": str(folder), "PORT": str(free_port())} | settings
    return subprocess.Popen(
        [sys.executable, "-m", *module], env=environment, cwd=folder.parent, text=True, stderr=subprocess.PIPE
    )


def refusal(module: tuple[str, ...], folder: Path, **settings: str) -> str:
    with start(module, folder, **(ELSEWHERE | settings)) as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in told
    return told


@pytest.mark.parametrize(
    ("name", "value"), [("OUTAGE_WAITS", "abc"), ("OUTAGE_WAITS", '["x"]'), ("COMMIT_INTERVAL", "-1"), ("PORT", "high")]
)
def test_a_setting_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(typer.Exit) as ended, in_plain_words():
        check_settings()
    assert ended.value.exit_code == 1
    told = capsys.readouterr().err
    assert name in told
    assert value not in told


def test_a_list_that_is_no_json_is_said_by_run(tmp_path: Path) -> None:
    assert refusal(RUN, tmp_path / "local", OUTAGE_WAITS="abc").startswith("OUTAGE_WAITS")


@pytest.mark.parametrize("module", [RUN, DEMO])
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, module: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("in the way")
    told = refusal(module, tmp_path / "file")
    assert str(tmp_path / "file") in told
    assert "Set LOCAL_DIR" in told


def test_a_setting_of_the_engines_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert refusal(UP, tmp_path / "local", KAFKA_PORT="high").startswith("KAFKA_PORT")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_engines_that_are_starting_end_with_who_starts_them(tmp_path: Path, number: signal.Signals) -> None:
    pid = tmp_path / "pid"
    program(
        tmp_path / "mongod", f'test "$1" = --version && exit 0; echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 600'
    )
    settings = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092",
        "MONGODB_PORT": str(free_port()),
    }
    with start(UP, tmp_path / "local", **settings) as process:
        until(pid.exists)
        engine = psutil.Process(int(pid.read_text()))
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == 0
    until(lambda: not engine.is_running())


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize(("given", "ends"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)])
def test_the_demo_ends_by_itself_where_it_is_asked_to(given: str | None, ends: bool) -> None:
    asked = [] if given is None else [f"EXIT={given}"]
    recipe = subprocess.run(["make", "-n", "demo", *asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ("--exit" in recipe.stdout) is ends
