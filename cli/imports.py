"""`thrive imports list|show`: the members' imports, and how they ended."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.database import with_database
from cli.output import AsJson, print_facts, print_json, print_rows
from kit.mongo import Database
from records.imports import PERCENT, ImportRecord, State, find
from records.task_lists import newest

app = typer.Typer(help="The members' imports: what each one is doing, and why one failed.", no_args_is_help=True)


@app.command("list")
def list_(
    state: Annotated[
        list[State] | None, typer.Option(help="Only imports in this state; may be given several times.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Only this member's: the user id of their token.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="The largest number of imports to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest imports, newest first."""

    async def read(db: Database) -> tuple[str, list[ImportRecord]]:
        return db.name, await newest(db, user_id=user, states=state or tuple(State), limit=limit)

    database, records = with_database(read)
    rows = [summary(record) for record in records]
    if as_json:
        for row in rows:
            print_json(row)
    elif not rows:
        typer.echo(f"No such imports in the database {database}.", err=True)
    else:
        print_rows(rows, (("id", "state", "error_code", "created_at"), ("url",), ("error",)))


@app.command()
def show(
    import_id: Annotated[UUID, typer.Argument(metavar="ID", help="The task id that the member was given.")],
    as_json: AsJson = False,
) -> None:
    """Show one import: its state, how far it came, and what its owner was told."""

    async def read(db: Database) -> tuple[str, ImportRecord | None]:
        return db.name, await find(db, import_id)

    database, record = with_database(read)
    if record is None:
        typer.echo(f"The database {database} has no import {import_id}.", err=True)
        raise typer.Exit(1)
    facts = details(record)
    if as_json:
        print_json(facts)
        return
    print_facts(facts)
    if facts["error_code"] == "INTERNAL_ERROR":
        typer.echo(f"\nIts dead letter: thrive failed list --import {import_id}")


def summary(record: ImportRecord) -> dict[str, Any]:
    error: Mapping[str, Any] = record.get("error", {})
    return {
        "id": record["_id"],
        "state": str(record["state"]),
        "error_code": error.get("error_code"),
        "created_at": record["created_at"],
        "user_id": record["user_id"],
        "url": record["url"],
        "error": error.get("error"),
    }


def details(record: ImportRecord) -> dict[str, Any]:
    """Return all facts about an import, the most wanted first."""
    error: Mapping[str, Any] = record.get("error", {})
    result: Mapping[str, Any] = record.get("result", {})
    return {
        **summary(record),
        "action": error.get("action"),
        "suggestion": error.get("suggestion"),
        "retry_at": error.get("retry_at") or record.get("deferred_until"),
        "stage": record["stage"],
        "progress": f"{PERCENT.get(record['progress'], 0)} %",
        "message": record.get("message"),
        "attempt": record.get("attempt"),
        "integration": record.get("integration"),
        "project_id": result.get("project_id"),
        "points": record.get("points"),
        "updated_at": record["updated_at"],
        "seconds": round((record["updated_at"] - record["created_at"]).total_seconds(), 1),
    }
