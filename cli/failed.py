"""`thrive failed list|show|replay`: the dead letters of all stages, and their way back."""

import asyncio
import json
from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Column, Table

from cli.database import with_database
from kit.failures import OF_SOURCES, Origin, look_again
from kit.imports import reopen
from kit.kafka.dead_letters import DeadLetter, read, replay
from kit.mongo import Database
from kit.settings import KafkaSettings, MongoSettings
from schemas.journey import STAGES

app = typer.Typer(help="What the stages could not handle: look at it, and replay it once the cause is mended.")
SHOWN_BYTES = 2_000

Stage = Annotated[str | None, typer.Option(help=f"Only this stage: {', '.join(STAGES)}.")]
Reason = Annotated[str | None, typer.Option(help="Only this reason, as `thrive failed list` names it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Again = Annotated[bool, typer.Option("--replayed", help="Also what was replayed already.")]


@app.command("list")
def list_(stage: Stage = None, reason: Reason = None, as_json: AsJson = False, replayed: Again = False) -> None:
    """List the dead letters, grouped by stage and reason."""
    letters = _letters(stage, reason, replayed)
    if as_json:
        for letter in letters:
            typer.echo(json.dumps(_summary(letter)))
        return
    if not letters:
        typer.echo("Nothing has failed.")
        return
    table = Table(
        Column("id", overflow="fold", min_width=28),
        "stage",
        "reason",
        "error",
        "tries",
        "failed at",
        "import",
        "replayed at",
    )
    for letter in letters:
        row = _summary(letter)
        table.add_row(*(str(row[name] or "") for name in row))
    console = Console()
    console.print(table)
    for (where, why), count in sorted(Counter((letter.stage, letter.reason) for letter in letters).items()):
        console.print(f"{count:6} {where}: {why}")


@app.command()
def show(letter_id: Annotated[str, typer.Argument(metavar="ID", help="topic/partition/offset, from the list")]) -> None:
    """Show one dead letter: where it came from, its headers, and the beginning of its bytes."""
    letter = next((each for each in _letters(None, None, True) if _id(each) == letter_id), None)
    if letter is None:
        typer.echo(f"No dead letter {letter_id}. `thrive failed list` shows what there is.", err=True)
        raise typer.Exit(1)
    facts: dict[str, Any] = asdict(letter)
    for name in ("key", "value"):
        facts[name] = None if facts[name] is None else facts[name][:SHOWN_BYTES].decode(errors="backslashreplace")
    facts["headers"] = {name: (value or b"").decode(errors="backslashreplace") for name, value in letter.headers}
    typer.echo(json.dumps(facts, indent=2, default=str, ensure_ascii=False))


@app.command("replay")
def replay_(
    stage: Stage = None,
    reason: Reason = None,
    letter_id: Annotated[str | None, typer.Option("--id", help="Only this one: topic/partition/offset.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is a dry run.")] = False,
    replayed: Again = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also letters of imports that the database does not know.")
    ] = False,
) -> None:
    """Send dead letters back to where they came from, with their key and headers. A dry run unless --yes is given."""
    letters = [each for each in _letters(stage, reason, replayed) if letter_id in (None, _id(each))]
    whole = [each for each in letters if not each.truncated]
    for letter in letters:
        note = "  (not kept whole, left out)" if letter.truncated else ""
        typer.echo(f"{_id(letter)}  {letter.stage}  {letter.reason}{note}")
    if not whole:
        typer.echo("Nothing to replay.")
        return
    if not yes:
        typer.echo(f"Dry run: {len(whole)} would be replayed. Add --yes to do it.")
        return
    try:
        sent, opened = with_database(lambda db: _replay(db, whole, force))
    except KafkaError as error:
        raise _no_kafka(KafkaSettings(), error) from None
    typer.echo(f"Replayed {sent}; {opened} failed imports in {MongoSettings().mongodb_database} opened again.")


async def _replay(db: Database, letters: list[DeadLetter], force: bool) -> tuple[int, int]:
    """How many it sent back, and how many failed imports it opened again: first of all, so that their status never
    says less than what is under way. A look at a source is no import.
    """
    looks = [origin for it in letters if it.topic in OF_SOURCES and (origin := Origin.of(it))]
    origins = [origin for it in letters if it.topic not in OF_SOURCES and (origin := Origin.of(it))]
    known = await db.imports.distinct("_id", {"_id": {"$in": [origin.import_id for origin in origins]}})
    if strangers := len({origin.import_id for origin in origins} - set(known)):
        typer.echo(
            f"The database {db.name} does not know {strangers} of these imports, so their status could not follow. "
            "Is it the database of the stages (MONGODB_URL, MONGODB_DATABASE)? --force replays them anyway.",
            err=True,
        )
        if not force:
            raise typer.Exit(1)
    await look_again(db, looks)
    opened = sum([await reopen(db, origin.import_id, origin.user_id) for origin in origins])
    return await replay(KafkaSettings(), letters), opened


def _letters(stage: str | None, reason: str | None, replayed: bool) -> list[DeadLetter]:
    if stage is not None and stage not in STAGES:
        raise typer.BadParameter(f"{stage!r} is none of {', '.join(STAGES)}.", param_hint="--stage")
    settings = KafkaSettings()
    try:
        letters = asyncio.run(read(settings, (stage,) if stage else STAGES, reason=reason, kept_bytes=SHOWN_BYTES))
    except KafkaError as error:
        raise _no_kafka(settings, error) from None
    return [letter for letter in letters if replayed or letter.replayed_at is None]


def _no_kafka(settings: KafkaSettings, error: KafkaError) -> typer.Exit:
    servers = settings.kafka_bootstrap_servers
    typer.echo(f"Kafka at {servers} does not answer as it should ({type(error).__name__}).", err=True)
    return typer.Exit(2)


def _id(letter: DeadLetter) -> str:
    return f"{letter.topic}/{letter.partition}/{letter.offset}"


def _summary(letter: DeadLetter) -> dict[str, Any]:
    origin = Origin.of(letter)
    return {
        "id": _id(letter),
        "stage": letter.stage,
        "reason": letter.reason,
        "error": letter.error_class,
        "attempts": letter.attempts,
        "failed_at": letter.failed_at.isoformat(timespec="seconds"),
        "import_id": str(origin.import_id) if origin else None,
        "replayed_at": letter.replayed_at.isoformat(timespec="seconds") if letter.replayed_at else None,
    }
