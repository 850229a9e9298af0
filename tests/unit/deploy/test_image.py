"""The image and the compose file fit the code: files that are copied exist, settings that are given are declared."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec.models import ComposeSpecification

from cli.run import Service, SetupSettings
from deploy.local.declared import SETTINGS, declared
from deploy.local.kafka import BROKER_SETTINGS

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def test_the_compose_file_keeps_to_the_specification() -> None:
    known = {name: part for name, part in COMPOSE.items() if not name.startswith("x-")}
    ComposeSpecification.model_validate(known)


def test_every_service_is_in_the_compose_file() -> None:
    assert {*SERVICES} == {*Service, "kafka", "mongodb", "setup"}
    assert [*Service] == [*SETTINGS]
    assert all(SERVICES[name]["command"] == ["run", name] for name in Service)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_service_is_given_settings_that_it_declares(name: str) -> None:
    assert SERVICES[name]["environment"].keys() <= declared(name)


def test_the_setup_is_given_settings_that_it_declares() -> None:
    given = {name.lower() for name in SERVICES["setup"]["environment"]} - {"log_level"}
    assert given <= SetupSettings.model_fields.keys()


@pytest.mark.parametrize("setting", ["auto.create.topics.enable", "message.max.bytes"])
def test_kafka_runs_as_it_does_in_the_tests(setting: str) -> None:
    in_compose = SERVICES["kafka"]["environment"]["KAFKA_" + setting.replace(".", "_").upper()]
    assert in_compose == BROKER_SETTINGS[setting]


def test_what_the_image_copies_is_let_through_and_exists() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy/Dockerfile").read_text(), re.M)
    names = {name for line in copied for name in line.split()}
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert names == let_through
    assert all((ROOT / name).exists() for name in names)


def test_the_command_tells_its_version() -> None:
    done = subprocess.run([sys.executable, "-m", "cli.main", "--version"], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == version("thrive-imports") + "\n"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-production.lock", "requirements-build.lock"])
def test_a_lock_names_no_index(lock: str) -> None:
    assert not re.search(r"^--|://", (ROOT / lock).read_text(), re.M)
