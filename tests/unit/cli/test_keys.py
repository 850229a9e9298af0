"""`thrive keys` without a database."""

from pydantic import SecretStr
from typer.testing import CliRunner

from cli.main import app
from kit.vault import parse_keys

run = CliRunner().invoke


def test_a_new_key_is_an_entry_for_the_settings() -> None:
    result = run(app, ["keys", "new", "--kid", "spring"])
    assert result.exit_code == 0
    assert list(parse_keys(SecretStr(result.output.strip()))) == ["spring"]


def test_every_new_key_is_another() -> None:
    first, second = (run(app, ["keys", "new"]).output for _ in range(2))
    assert first.partition(":")[0] != second.partition(":")[0]
    assert first.partition(":")[2] != second.partition(":")[2]


def test_an_id_that_is_none_is_refused() -> None:
    assert run(app, ["keys", "new", "--kid", "a:b"]).exit_code == 2


def test_broken_keys_are_named_and_not_shown() -> None:
    result = run(app, ["keys", "rotate"], env={"TOKEN_KEYS": "a:hunter2"})
    assert result.exit_code == 1
    assert "TOKEN_KEYS" in result.output
    assert "hunter2" not in result.output
