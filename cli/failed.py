"""`thrive failed list|show|replay`: the dead letters of all stages, and their way back."""

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from typing import Annotated
from uuid import UUID

import typer
from aiokafka.errors import KafkaError

from cli.database import with_database
from cli.letters import SHOWN_BYTES, details, letter_id, readable, summary
from cli.output import AsJson, command, print_facts, print_json, print_rows
from kit.kafka.dead_letters import REASONS, DeadLetter, read, replay
from kit.mongo import Database
from kit.settings import KafkaSettings, MongoSettings
from records.imports import attempts, count_failed, reopen
from records.stage_failures import OF_SOURCES, Origin, forget_failed_syncs
from schemas.journey import STAGES

app = typer.Typer(
    help="Dead letters: the records that a stage could not handle. List them, and replay them once the cause is fixed.",
    no_args_is_help=True,
)

Stage = Annotated[str | None, typer.Option(help=f"Only this stage: {', '.join(STAGES)}.")]
Reason = Annotated[str | None, typer.Option(help=f"Only this reason: {', '.join(sorted(REASONS))}.")]
Again = Annotated[bool, typer.Option("--replayed", help="Also dead letters that were replayed already.")]
OfImport = Annotated[UUID | None, typer.Option("--import", metavar="ID", help="Only dead letters of this import.")]


@app.command("list")
def list_(
    stage: Stage = None,
    reason: Reason = None,
    of_import: OfImport = None,
    replayed: Again = False,
    as_json: AsJson = False,
) -> None:
    """List the dead letters, oldest first. In a pipe: a line for each, its fields separated by tabs."""
    letters = _letters(stage, reason, replayed, of_import)
    rows = [summary(letter) for letter in letters]
    if as_json:
        for row in rows:
            print_json(row)
        return
    if not rows:
        typer.echo(f"No dead letters{_filtered(stage, reason, of_import)}.{_failed_imports()}", err=True)
        return
    print_rows(rows, (("id", "stage", "reason", "error", "failed_at"), ("import_id",)))
    for (where, why), count in sorted(Counter((letter.stage, letter.reason) for letter in letters).items()):
        typer.echo(f"{count:6} {where}: {why}", err=True)


@app.command()
def show(
    wanted: Annotated[
        str,
        typer.Argument(metavar="ID", help="the dead letter: topic/partition/offset, as `thrive failed list` shows it"),
    ],
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: where it came from, what is wrong with it, its headers, and its body."""
    topic, _, place = wanted.partition("/")
    partition, _, offset = place.partition("/")
    known = partition.isdecimal() and offset.isdecimal()
    letter = next(iter(_read(STAGES, at=(topic, int(partition), int(offset))) if known else ()), None)
    if letter is None:
        typer.echo(f"No dead letter {wanted}. `thrive failed list` shows what there is.", err=True)
        raise typer.Exit(1)
    facts = details(letter)
    if as_json:
        print_json(facts)
        return
    problems, headers = facts["problems"], facts["headers"]
    print_facts({**summary(letter), "group": letter.group, "key": facts["key"]})
    for title, lines in (
        ("Refused fields", problems),
        ("Headers", [f"{name}: {value}" for name, value in headers.items()]),
    ):
        if lines:
            typer.echo(f"\n{title}")
            for line in lines:
                typer.echo(f"  {line}")
    typer.echo(f"\nBody\n{readable(letter)}")


@app.command("replay")
def replay_(
    stage: Stage = None,
    reason: Reason = None,
    wanted: Annotated[str | None, typer.Option("--id", help="Only this dead letter: topic/partition/offset.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Replay them; without --yes it is a dry run.")] = False,
    replayed: Again = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also dead letters whose import is not in this database.")
    ] = False,
    of_import: OfImport = None,
) -> None:
    """Send dead letters back to where they came from, with their key and headers. A dry run unless --yes is given."""
    letters = [each for each in _letters(stage, reason, replayed, of_import) if wanted in (None, letter_id(each))]
    whole = [each for each in letters if not each.truncated]
    for letter in letters:
        note = "  (not kept whole, left out)" if letter.truncated else ""
        typer.echo(f"{letter_id(letter)}  {letter.stage}  {letter.reason}{note}")
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
    """Replay the letters; returns how many were sent back, and how many failed imports were opened again. These are
    opened first, so that their status is never behind. A sync of a source is no import."""
    syncs = [origin for it in letters if it.topic in OF_SOURCES and (origin := Origin.of(it))]
    imports = {it.origin: origin for it in letters if it.topic not in OF_SOURCES and (origin := Origin.of(it))}
    ids = {origin.import_id for origin in imports.values()}
    if strangers := len(ids - (await attempts(db, ids)).keys()):
        typer.echo(
            f"The database {db.name} does not know {strangers} of these imports, so their status could not follow. "
            "Is it the database of the stages (MONGODB_URL, MONGODB_DATABASE)? --force replays them anyway.",
            err=True,
        )
        if not force:
            raise typer.Exit(1)
    await forget_failed_syncs(db, syncs)
    opened = sum([await reopen(db, origin.import_id, origin.user_id) for origin in imports.values()])
    current = await attempts(db, ids)
    of_letters = {it: current[origin.import_id] for it, origin in imports.items() if origin.import_id in current}
    return await replay(KafkaSettings(), letters, of_letters), opened


def _letters(stage: str | None, reason: str | None, replayed: bool, of_import: UUID | None) -> list[DeadLetter]:
    """Those that are asked for, with the first bytes of their bodies."""
    if stage is not None and stage not in STAGES:
        raise typer.BadParameter(f"{stage!r} is none of {', '.join(STAGES)}.", param_hint="--stage")
    letters = _read((stage,) if stage else STAGES, kept_bytes=SHOWN_BYTES)
    known = REASONS | {letter.reason for letter in letters}
    if reason is not None and reason not in known:
        raise typer.BadParameter(f"{reason!r} is none of {', '.join(sorted(known))}.", param_hint="--reason")
    return [
        letter
        for letter in letters
        if reason in (None, letter.reason)
        and (replayed or letter.replayed_at is None)
        and (of_import is None or ((origin := Origin.of(letter)) and origin.import_id == of_import))
    ]


def _read(
    stages: Collection[str], *, at: tuple[str, int, int] | None = None, kept_bytes: int | None = None
) -> list[DeadLetter]:
    settings = KafkaSettings()
    try:
        return asyncio.run(read(settings, stages, at=at, kept_bytes=kept_bytes))
    except KafkaError as error:
        raise _no_kafka(settings, error) from None


def _filtered(*filters: object) -> str:
    return " that match" if any(filters) else ""


def _failed_imports() -> str:
    """Point to the imports that ended with an error, which the operator may be looking for."""

    async def count(db: Database) -> int:
        return await count_failed(db, most=1_000)

    failed = 0
    with suppress(typer.Exit):  # it said on stderr why MongoDB cannot be asked
        failed = with_database(count)
    told = f"{failed} imports" if failed < 1_000 else "1,000 imports or more"
    return f" ({told} ended with an error: {command()} imports list --state failed)" if failed else ""


def _no_kafka(settings: KafkaSettings, error: KafkaError) -> typer.Exit:
    servers = settings.kafka_bootstrap_servers
    typer.echo(f"Cannot reach Kafka at {servers} ({type(error).__name__}).", err=True)
    return typer.Exit(2)
