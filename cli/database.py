"""The database of the stages, as a command uses it once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from pymongo.errors import PyMongoError

from kit.mongo import Database, connect
from kit.settings import MongoSettings

T = TypeVar("T")


def with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """What `work` returns. Ends the command with status 2 where MongoDB does not answer."""

    async def run() -> T:
        db = connect(MongoSettings())
        try:
            return await work(db)
        finally:
            await db.client.close()

    try:
        return asyncio.run(run())
    except PyMongoError as error:
        typer.echo(f"MongoDB does not answer as it should ({type(error).__name__}).", err=True)
        raise typer.Exit(2) from None
