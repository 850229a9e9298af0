"""`thrive imports` on a real MongoDB: whoever has an id finds what became of the import."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from kit.mongo import Database
from records.imports import State, pending
from schemas.events import Options
from tests.databases import made

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FAILURE = {
    "error": "The repository is private.", "error_code": "AUTH_ERROR", "action": "connect_github",
    "suggestion": "Connect GitHub.",
}  # fmt: skip


@pytest.fixture
async def db(mongodb: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.chdir(tmp_path)  # no `.env` is where the command runs
    monkeypatch.setenv("MONGODB_URL", mongodb)
    monkeypatch.setenv("MONGODB_DATABASE", database)
    async with made(mongodb, database) as db:
        yield db


async def imported(db: Database, *, user_id: str = "ada", minutes: int = 0, **changes: object) -> UUID:
    task_id, at = uuid4(), NOW + timedelta(minutes=minutes)
    record = pending(
        task_id=task_id, user_id=user_id, url=f"https://github.com/ada/{task_id}", integration="github",
        options=Options(), released=True, now=at,
    )  # fmt: skip
    await db.imports.insert_one(record | {"active": False} | changes)
    return task_id


async def thrive(*command: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["imports", *command]))


async def test_the_newest_come_first_whole_and_narrowed_down(db: Database) -> None:
    old = await imported(db, state=State.FAILED, error=FAILURE)
    new = await imported(db, minutes=1, state=State.COMPLETED)
    other = await imported(db, minutes=2, user_id="bob", state=State.FAILED, error=FAILURE)

    async def ids(*options: str) -> list[str]:
        lines = (await thrive("list", *options)).stdout.splitlines()
        assert all(len(line.split("\t")) == 7 for line in lines), "nothing is cut or folded in a pipe"
        return [line.split("\t")[0] for line in lines]

    assert await ids() == [str(other), str(new), str(old)]
    assert await ids("--state", "failed") == [str(other), str(old)]
    assert await ids("--user", "ada") == [str(new), str(old)]
    assert await ids("--state", "failed", "--user", "ada", "--limit", "1") == [str(old)]
    rows = [json.loads(line) for line in (await thrive("list", "--json")).stdout.splitlines()]
    assert [row["error_code"] for row in rows] == ["AUTH_ERROR", None, "AUTH_ERROR"]


async def test_one_is_shown_with_what_its_owner_was_told(db: Database) -> None:
    task_id = await imported(
        db, state=State.FAILED, stage="fetcher", error=FAILURE, updated_at=NOW + timedelta(seconds=9)
    )
    told = (await thrive("show", str(task_id))).stdout
    for words in ("failed", "AUTH_ERROR", "connect_github", "Connect GitHub.", "fetcher", "9.0"):
        assert words in told
    assert "thrive failed list" not in told, "nothing of it is among the dead letters"
    assert json.loads((await thrive("show", str(task_id), "--json")).stdout)["action"] == "connect_github"


async def test_a_bug_leads_to_its_dead_letter(db: Database) -> None:
    bug = {"error": "Something went wrong on our side.", "error_code": "INTERNAL_ERROR"}
    task_id = await imported(db, state=State.FAILED, error=bug)
    assert f"thrive failed list --import {task_id}" in (await thrive("show", str(task_id))).stdout


async def test_an_id_that_is_nobodys_names_the_database(db: Database) -> None:
    unknown = str(uuid4())
    result = await thrive("show", unknown)
    assert (result.exit_code, unknown in result.stderr, db.name in result.stderr) == (1, True, True)
    assert (await thrive("show", "nonsense")).exit_code == 2
    assert db.name in (await thrive("list")).stderr, "an empty list says where it looked"
