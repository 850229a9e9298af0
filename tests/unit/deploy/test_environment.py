"""`.env` is read by every local command, and what in it is no setting is named."""

import os
from pathlib import Path

import pytest

from deploy.local.environment import misspelt, of_this_machine, read_env, settings


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PORT", "KAFKA_PORT", "KAFKA_BOOTSTRAP_SERVERS", "GITHUB_TOKN", "MONGODB_DATABASE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    file = tmp_path / ".env"
    file.write_text("PORT=8123\nKAFKA_PORT=9192\nKAFKA_BOOTSTRAP_SERVERS=kafka.example:9092\nGITHUB_TOKN=x\nZZZ=1\n")
    return file


def test_it_gives_what_the_environment_does_not(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8456")
    read_env(env_file)
    assert (os.environ["PORT"], os.environ["KAFKA_PORT"]) == ("8456", "9192")
    assert os.environ["KAFKA_BOOTSTRAP_SERVERS"] == "kafka.example:9092"


def test_the_demonstration_takes_ports_and_never_the_address_of_a_real_system(env_file: Path) -> None:
    read_env(env_file, only=of_this_machine)
    assert (os.environ["PORT"], os.environ["KAFKA_PORT"]) == ("8123", "9192")
    assert "KAFKA_BOOTSTRAP_SERVERS" not in os.environ


def test_a_name_that_is_no_setting_is_named_with_the_one_that_was_meant(
    env_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read_env(env_file)
    told = capsys.readouterr().err
    assert f"GITHUB_TOKN in {env_file} is not a setting: did you mean GITHUB_TOKEN?" in told
    assert f"ZZZ in {env_file} is not a setting." in told
    assert "KAFKA_PORT in" not in told


def test_without_a_file_nothing_happens(tmp_path: Path) -> None:
    before = {**os.environ}
    read_env(tmp_path / "none")
    assert before == {**os.environ}


def test_a_slip_in_the_environment_is_told_from_somebody_elses_variable() -> None:
    environment = {"GITHUB_TOKN": "x", "YOUTUBE_API_KEYS": "x", "HOSTNAME": "x", "PATH": "x", "PORT": "1", "HOME": "x"}
    told = list(misspelt(environment, settings()))
    assert [line.split()[0] for line in told] == ["GITHUB_TOKN", "YOUTUBE_API_KEYS"]
