"""`thrive token`: what it says where it can make none."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

KEY = "a secret of the test's own, long enough"
run = CliRunner().invoke


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JWT_KEY", "JWT_ALGORITHMS", "LOCAL_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_a_token_is_printed_for_a_user() -> None:
    result = run(app, ["token", "--user", "ada"], env={"JWT_KEY": KEY})
    assert result.exit_code == 0
    assert result.output.count(".") == 2


@pytest.mark.parametrize("user", ["", "  "])
def test_a_token_for_nobody_is_refused(user: str) -> None:
    result = run(app, ["token", "--user", user], env={"JWT_KEY": KEY})
    assert result.exit_code == 2
    assert "--user" in result.output


def test_a_key_that_is_not_set_is_said_to_be_so() -> None:
    result = run(app, ["token", "--user", "ada"])
    assert result.exit_code == 1
    assert "JWT_KEY is not set" in result.output
    assert "jwt.key" not in result.output


@pytest.mark.parametrize("folder", [".local", "elsewhere"])
def test_the_key_of_make_run_is_pointed_out_where_there_is_one(folder: str) -> None:
    Path(folder).mkdir()
    (Path(folder) / "jwt.key").write_text(KEY)
    result = run(app, ["token", "--user", "ada"], env={} if folder == ".local" else {"LOCAL_DIR": folder})
    assert result.exit_code == 1
    assert f'JWT_KEY="$(cat {folder}/jwt.key)" .venv/bin/thrive token --user ada' in result.output
    assert KEY not in result.output


def test_an_algorithm_with_public_keys_leaves_tokens_to_the_identity_provider() -> None:
    Path(".local").mkdir()
    Path(".local/jwt.key").write_text(KEY)
    result = run(app, ["token", "--user", "ada"], env={"JWT_ALGORITHMS": "RS256"})
    assert result.exit_code == 1
    assert "identity provider" in result.output
    assert "jwt.key" not in result.output


def test_a_key_that_the_gateway_would_refuse_signs_nothing() -> None:
    result = run(app, ["token", "--user", "ada"], env={"JWT_KEY": "short"})
    assert result.exit_code == 1
    assert "JWT_KEY is shorter than 32 bytes" in result.output
    assert result.output.count(".") == 1, "and there is no token"


def test_an_env_file_that_is_named_and_not_there_is_refused() -> None:
    result = run(app, ["--env-file", "production.env", "token", "--user", "ada"], env={"JWT_KEY": KEY})
    assert result.exit_code == 2
    assert "production.env" in result.output
    assert run(app, ["token", "--user", "ada"], env={"JWT_KEY": KEY}).exit_code == 0, "the default one may be missing"
