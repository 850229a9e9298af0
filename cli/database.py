"""Opens the database of the stages for one command."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from pymongo.errors import PyMongoError

from kit.mongo import Database, connect
from kit.settings import MongoSettings

T = TypeVar("T")
OURS = {"imports", "connections"}  # collections that every process makes


def with_database(work: Callable[[Database], Awaitable[T]], *, ours: bool = False) -> T:
    """Run `work` and return its result. Ends the command with status 2 where MongoDB does not answer, and, with `ours`,
    where the database has no collection of Thrive's: work on a wrong database would look like success."""

    async def run() -> T:
        db = connect(MongoSettings())
        try:
            if ours and OURS.isdisjoint(await db.list_collection_names()):
                typer.echo(
                    f"The database “{db.name}” has no collections of Thrive's. Check MONGODB_DATABASE, MONGODB_URL and "
                    "--env-file; the processes create their collections when they start.",
                    err=True,
                )
                raise typer.Exit(2)
            return await work(db)
        finally:
            await db.client.close()

    try:
        return asyncio.run(run())
    except PyMongoError as error:
        typer.echo(f"Cannot reach MongoDB at MONGODB_URL ({type(error).__name__}).", err=True)
        raise typer.Exit(2) from None
