"""What `make demo` and `make run` start, and how it is kept."""

import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr, ValidationError

from deploy.local import EngineError, free_port
from deploy.local.declared import SETTINGS, declared, secrets, withheld
from deploy.local.keys import local_jwt_key, local_token_keys
from deploy.local.ports import PORTS
from deploy.local.processes import Processes, only_one
from deploy.local.programs import Program, configuration
from deploy.local.run import check_settings
from deploy.local.signals import interruptible
from deploy.local.stack import StackSettings, demo_stack, run_stack
from kit.vault import Vault, VaultSettings

KEY = {"JWT_KEY": "a secret of the test's own, long enough"}


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        yield other.getsockname()[1]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize(("make", "name"), [(local_jwt_key, "jwt.key"), (local_token_keys, "token.keys")])
def test_a_key_is_made_once_and_only_its_owner_may_read_it(
    tmp_path: Path, make: Callable[[Path], str], name: str
) -> None:
    key = make(tmp_path / "new")
    assert len(key) >= 32
    assert make(tmp_path / "new") == key
    assert (tmp_path / "new" / name).stat().st_mode & 0o777 == 0o600


def test_the_local_token_key_is_one_that_a_vault_takes(tmp_path: Path) -> None:
    assert Vault(VaultSettings(token_keys=SecretStr(local_token_keys(tmp_path)))).kids == ("local",)


def test_browsers_are_sent_back_to_where_the_gateway_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    settings = StackSettings(local_dir=tmp_path, port=port)
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    assert run_stack(settings, KEY).environment["PUBLIC_URL"] == f"http://127.0.0.1:{port}"
    monkeypatch.setenv("PUBLIC_URL", "https://imports.example")
    assert run_stack(settings, KEY).environment["PUBLIC_URL"] == "https://imports.example"
    demo = demo_stack(settings, KEY)
    assert demo.environment["PUBLIC_URL"] == demo.url


def test_the_demo_takes_other_ports_where_its_own_are_taken(tmp_path: Path, taken: int) -> None:
    here = {"kafka_bootstrap_servers": "", "mongodb_url": "", "kafka_port": taken, "mongodb_port": taken}
    stack = demo_stack(StackSettings.model_validate({"local_dir": tmp_path, "port": taken, **here}), KEY)
    assert stack.url != f"http://127.0.0.1:{taken}"
    assert taken not in [port for engine in stack.engines for port in engine.ports().values()]
    assert stack.environment["KAFKA_BOOTSTRAP_SERVERS"] == stack.engines[0].address
    assert stack.environment["MONGODB_URL"] == stack.engines[1].address


def test_run_says_who_has_taken_the_gateways_port(tmp_path: Path, taken: int) -> None:
    us = re.escape(f"{psutil.Process().name()} (pid {os.getpid()})")
    with pytest.raises(EngineError, match=f"port {taken} is taken by {us}.*set PORT"):
        run_stack(StackSettings(local_dir=tmp_path, port=taken), KEY)


def test_the_demo_talks_to_the_sandbox_with_no_credential_of_yours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "yours")
    monkeypatch.setenv("HUGGINGFACE_CLIENT_ID", "yours")
    monkeypatch.setenv("TOKEN_KEYS", "yours")
    monkeypatch.setenv("JWT_JWKS_URL", "https://your-identity-provider")
    stack = demo_stack(StackSettings(local_dir=tmp_path), KEY)
    sandbox = f"http://127.0.0.1:{stack.ports['sandbox']}"
    assert stack.environment["GITHUB_API_URL"] == f"{sandbox}/github"
    assert stack.environment["JWT_KEY"] == KEY["JWT_KEY"]
    yours = {"GITHUB_TOKEN", "HUGGINGFACE_CLIENT_ID", "TOKEN_KEYS", "JWT_JWKS_URL"}
    assert not yours & stack.environment.keys()


def test_engines_that_run_elsewhere_are_not_started(tmp_path: Path) -> None:
    elsewhere = {"kafka_bootstrap_servers": "kafka.example:9092", "mongodb_url": "mongodb://mongodb.example"}
    settings = StackSettings.model_validate({"local_dir": tmp_path, "port": free_port(), **elsewhere})
    for stack in (demo_stack(settings, KEY), run_stack(settings, KEY)):
        assert stack.engines == ()
        assert stack.environment["KAFKA_BOOTSTRAP_SERVERS"] == "kafka.example:9092"
        assert stack.environment["MONGODB_URL"] == "mongodb://mongodb.example"


def test_every_process_is_a_program_with_its_port_and_log_and_no_secret_in_the_file(tmp_path: Path) -> None:
    elsewhere = {"kafka_bootstrap_servers": "kafka.example:9092", "mongodb_url": "mongodb://mongodb.example"}
    stack = demo_stack(StackSettings.model_validate({"local_dir": tmp_path, **elsewhere}), KEY)
    programs = stack.programs()
    assert [program.name for program in programs] == ["sandbox", *PORTS, "gateway"]
    assert len({program.log for program in programs}) == len(programs)
    text = configuration(programs, ["upstreams", "services", "front"], tmp_path, tmp_path / "socket")
    assert f"PORT={stack.ports['gateway']}" in text
    assert (tmp_path / "demo" / "ports" / "fetcher").read_text() == str(stack.ports["fetcher"])
    assert KEY["JWT_KEY"] not in text


def test_a_percent_sign_in_a_command_survives_supervisords_expansion(tmp_path: Path) -> None:
    program = Program("odd", "all", ["echo", "100 %(here)s"], tmp_path / "log")
    assert "command=echo '100 %%(here)s'" in configuration([program], ["all"], tmp_path, tmp_path / "socket")


# Notes its end in a file that all share, so that the order can be read.
SCRIPT = """
import pathlib, signal, sys
def end(*_):
    with pathlib.Path(sys.argv[2]).open("a") as file:
        file.write(sys.argv[1] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def programs(tmp_path: Path) -> list[Program]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    return [
        Program(
            name,
            group,
            [sys.executable, str(script), name, str(tmp_path / "ends")],
            tmp_path / "logs" / f"{name}.log",
            stop_seconds=5,
        )
        for name, group in (("engine", "first"), ("stage", "second"), ("gateway", "third"))
    ]


def all_up(programs: list[Program]) -> bool:
    return all(program.log.exists() and "up" in program.log.read_text() for program in programs)


def test_processes_are_restarted_and_end_in_the_opposite_order(tmp_path: Path, programs: list[Program]) -> None:
    with Processes(programs, ["first", "second", "third"], tmp_path, {}) as processes:
        for group in ("first", "second", "third"):
            processes.start(group)
        until(lambda: all_up(programs))
        killed = processes.pid(programs[1])
        psutil.Process(killed).kill()
        until(lambda: processes.pid(programs[1]) not in (0, killed))
        until(lambda: programs[1].log.read_text().count("up") == 2)
        pids = [processes.pid(program) for program in programs]
    assert (tmp_path / "ends").read_text().split() == ["gateway", "stage", "engine"]
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_two_at_once_in_one_folder_are_refused(tmp_path: Path) -> None:
    told = rf"A demo is already running here \(pid {os.getpid()}\)"
    with only_one(tmp_path, "A demo"), pytest.raises(EngineError, match=told), only_one(tmp_path, "A demo"):
        pass
    with only_one(tmp_path, "A demo"):
        pass


def test_what_a_killed_run_left_behind_is_stopped(tmp_path: Path, programs: list[Program]) -> None:
    with Processes(programs[:1], ["first"], tmp_path, {}) as processes:
        processes.start("first")
        until(lambda: all_up(programs[:1]))
        pid = processes.pid(programs[0])
        with only_one(tmp_path, "A demo"):
            assert not psutil.pid_exists(pid)


def test_a_setting_that_a_process_would_refuse_is_refused_first_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_KEY", "too-short")
    with pytest.raises(ValidationError, match="JWT_KEY is shorter") as refused:
        check_settings()
    assert "too-short" not in str(refused.value)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_way_to_end_a_program_puts_everything_away(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_a_process_is_given_what_its_settings_declare_and_nothing_else() -> None:
    environment = dict.fromkeys((*secrets(), "DEVTO_API_KEY", "PORT", "PATH", "LC_ALL"), "x")
    for process in SETTINGS:
        left = environment.keys() - withheld(process, environment)
        assert {"PORT", "PATH", "LC_ALL", "MONGODB_URL"} <= left <= declared(process) | {"PATH", "LC_ALL"}


@pytest.mark.parametrize(
    ("secret", "readers"),
    [
        ("GITHUB_TOKEN", {"fetcher", "gateway"}),
        ("YOUTUBE_API_KEY", {"fetcher", "gateway"}),
        ("GOOGLE_CLIENT_SECRET", {"fetcher", "gateway"}),
        ("TOKEN_KEYS", {"fetcher", "gateway"}),
        ("OPENAI_API_KEY", {"analyzer"}),
        ("JWT_KEY", {"gateway"}),
        ("WEBHOOK_KEY", {"gateway", "scheduler"}),
    ],
)
def test_a_secret_reaches_only_its_readers(secret: str, readers: set[str]) -> None:
    assert {process for process in SETTINGS if not withheld(process, {secret: "x"})} == readers
