"""What the commands print: whole lines for people, fields between tabs in a pipe, JSON where it is asked for."""

import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

ENV_FILE = Path(".env")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one object per line.")]


_env_file = ContextVar("env_file", default=ENV_FILE)


def use_env_file(file: Path) -> None:
    """Remember the file that this program was called with, for `command`."""
    _env_file.set(file)


def command() -> str:
    """Return how this program was called, as far as its settings go, so that a hint can be typed as it stands."""
    file = _env_file.get()
    return "thrive" if file == ENV_FILE else f"thrive --env-file {shlex.quote(str(file))}"


def print_json(value: Any) -> None:
    """On one line; ids and times as text."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False))


def print_rows(rows: Iterable[Mapping[str, Any]], lines: Sequence[Sequence[str]]) -> None:
    """On a terminal each row is a paragraph: `lines` names the fields of each of its lines, the later ones indented.
    The terminal folds what is too long, so nothing that somebody must type is cut. In a pipe each row is one line with
    all its fields between tabs.
    """
    for row in rows:
        cells = {name: _cell(value) for name, value in row.items()}
        if not sys.stdout.isatty():
            typer.echo("\t".join(cells.values()))
            continue
        for place, names in enumerate(lines):
            if told := "  ".join(cells[name] for name in names if cells[name]):
                typer.echo(("    " if place else "") + told)


def print_facts(facts: Mapping[str, Any]) -> None:
    """A line for each fact that there is, its name first."""
    told = {name: _cell(value) for name, value in facts.items()}
    width = max(map(len, told), default=0)
    for name, value in told.items():
        if value:
            typer.echo(f"{name:<{width}}  {value}")


def moment(at: datetime | None) -> str:
    """To the second, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def _cell(value: Any) -> str:
    text = moment(value) if isinstance(value, datetime) else "" if value is None else str(value)
    return "".join(char if char.isprintable() else " " for char in text)  # somebody else's text stays on its line


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
