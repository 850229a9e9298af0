"""`thrive failed` without Kafka."""

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.ports import own_port

run = CliRunner().invoke


@pytest.mark.parametrize("command", [["list"], ["show", "t/0/1"], ["replay"], ["replay", "--yes"]])
def test_a_kafka_that_is_away_is_told_in_a_line(command: list[str]) -> None:
    away = f"127.0.0.1:{own_port()}"
    result = run(app, ["failed", *command], env={"KAFKA_BOOTSTRAP_SERVERS": away})
    assert result.exit_code == 2
    assert result.output.splitlines() == [f"Cannot reach Kafka at {away} (KafkaConnectionError)."]


@pytest.mark.parametrize("command", ["list", "replay"])
def test_a_stage_that_is_none_is_refused(command: str) -> None:
    result = run(app, ["failed", command, "--stage", "kitchen"])
    assert result.exit_code == 2
    assert "kitchen" in result.output
