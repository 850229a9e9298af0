"""`thrive keys` on a real MongoDB."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from cli.main import app
from integrations.connections.model import Grant
from integrations.connections.store import Connections
from kit.mongo import connect
from kit.settings import MongoSettings
from kit.vault import new_key
from tests.e2e.connections.rig import ADA, vault

OLD, NEW = new_key("old"), new_key("new")
run = CliRunner().invoke


@pytest.fixture
def environment(mongodb: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of the command; its database holds one connection under the old key, and no `.env` is where it runs."""
    monkeypatch.chdir(tmp_path)

    async def prepare() -> None:
        db = connect(MongoSettings(mongodb_url=SecretStr(mongodb), mongodb_database=database))
        grant = Grant(SecretStr("access"), SecretStr("refresh"))
        await Connections(db, vault(OLD)).save("ada", "github", ADA, grant)
        await db.client.close()

    asyncio.run(prepare())
    return {"MONGODB_URL": mongodb, "MONGODB_DATABASE": database}


def test_rotating_is_seen_and_the_old_key_can_go(environment: dict[str, str]) -> None:
    both = {**environment, "TOKEN_KEYS": f"{NEW},{OLD}"}
    before = run(app, ["keys", "show"], env=both)
    assert [line.split()[1:6:2] for line in before.output.splitlines() if "crypts" in line] == [
        ["new", "0", "encrypts"],
        ["old", "2", "decrypts"],
    ]
    rotated = run(app, ["keys", "rotate"], env=both)
    assert (rotated.exit_code, rotated.output) == (0, "2 values are now encrypted with new.\n")
    again = run(app, ["keys", "rotate"], env={**environment, "TOKEN_KEYS": NEW})
    assert (again.exit_code, again.output) == (0, "0 values are now encrypted with new.\n")
    for key in (OLD, NEW):
        assert key.partition(":")[2] not in before.output + rotated.output


def test_a_key_that_is_missing_is_named(environment: dict[str, str]) -> None:
    only_new = {**environment, "TOKEN_KEYS": NEW}
    result = run(app, ["keys", "rotate"], env=only_new)
    assert result.exit_code == 1
    assert "2 values cannot be decrypted" in result.output
    shown = run(app, ["keys", "show"], env=only_new).output
    assert any("old" in line and "missing" in line for line in shown.splitlines())


def test_without_any_key_it_says_how_to_make_one(environment: dict[str, str]) -> None:
    result = run(app, ["keys", "rotate"], env={**environment, "TOKEN_KEYS": ""})
    assert result.exit_code == 1
    assert "thrive keys new" in result.output


@pytest.mark.parametrize("command", ["show", "rotate"])
def test_a_database_that_holds_nothing_of_ours_is_named_and_refused(environment: dict[str, str], command: str) -> None:
    elsewhere = {**environment, "TOKEN_KEYS": NEW, "MONGODB_DATABASE": "thrive_of_another_day"}
    result = run(app, ["keys", command], env=elsewhere)
    assert result.exit_code == 2
    assert "thrive_of_another_day" in result.output
    assert "0" not in result.output, "no count that would read like success"


def test_the_database_is_named_where_its_keys_are_shown(environment: dict[str, str]) -> None:
    shown = run(app, ["keys", "show"], env={**environment, "TOKEN_KEYS": OLD}).output
    assert environment["MONGODB_DATABASE"] in shown
