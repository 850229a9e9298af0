"""`thrive keys new|show|rotate`: the keys that members' tokens are encrypted with."""

import secrets
from collections import Counter
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from cli.database import with_database
from integrations.connections.rotation import Rotation, count_by_key, rotate
from kit.mongo import Database
from kit.vault import Vault, VaultError, VaultSettings, new_key

app = typer.Typer(help="The keys that members' tokens are encrypted with (TOKEN_KEYS).", no_args_is_help=True)


@app.command()
def new(kid: Annotated[str, typer.Option(help="The key's id; random by default.")] = "") -> None:
    """Print a new entry for TOKEN_KEYS. The entry is a secret, and is stored nowhere."""
    try:
        typer.echo(new_key(kid or f"k{secrets.token_hex(4)}"))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--kid") from None


@app.command()
def show() -> None:
    """Show which keys there are, and how many values are encrypted with each. No key is printed."""
    vault = _vault()
    name, counts = with_database(_count, ours=True)
    table = Table("key", "values encrypted with it", "", title=f"Database {name}", title_justify="left")
    for kid in dict.fromkeys((*vault.kids, *sorted(counts))):
        note = "encrypts" if kid in vault.kids[:1] else "decrypts" if kid in vault.kids else "missing in TOKEN_KEYS"
        table.add_row(kid or "?", str(counts[kid]), note)
    Console().print(table)


async def _count(db: Database) -> tuple[str, Counter[str]]:
    return db.name, await count_by_key(db)


@app.command("rotate")
def rotate_() -> None:
    """Encrypt everything with the first key of TOKEN_KEYS. Safe to repeat, and while imports run."""
    vault = _vault()

    async def run(db: Database) -> Rotation:
        return await rotate(db, vault)

    try:
        result: Rotation = with_database(run, ours=True)
    except VaultError as error:
        typer.echo(f"{error}.", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{result.rewrapped} values are now encrypted with {result.kid}.")
    if result.left:
        typer.echo(
            f"{result.left} values were stored meanwhile with another key: give every process the same TOKEN_KEYS."
        )
    if result.broken:
        typer.echo(f"{result.broken} values cannot be decrypted with TOKEN_KEYS; `thrive keys show` names their keys.")
    if result.left or result.broken:
        raise typer.Exit(1)


def _vault() -> Vault:
    try:
        return Vault(VaultSettings())
    except ValidationError as error:
        typer.echo(f"{error.errors()[0]['msg'].removeprefix('Value error, ')}.", err=True)
        raise typer.Exit(1) from None
