"""`thrive run NAME` runs a service; `thrive setup` creates topics and indexes before the first one starts."""

import asyncio
import os
import sys
from enum import StrEnum

import typer

from kit import log
from kit.mongo import connect
from kit.settings import KafkaSettings, MongoSettings
from records.engines import prepare_engines


class Service(StrEnum):
    FETCHER = "fetcher"
    ANALYZER = "analyzer"
    TRANSFORMER = "transformer"
    WRITER = "writer"
    AWARDER = "awarder"
    SCHEDULER = "scheduler"
    GATEWAY = "gateway"


class SetupSettings(KafkaSettings, MongoSettings):
    pass


def run(service: Service) -> None:
    """Run a service until SIGTERM. Its process takes the place of this one."""
    os.execv(sys.executable, [sys.executable, "-m", f"services.{service}.app"])  # noqa: S606 (one of seven names)


def setup() -> None:
    """Create the topics and indexes, as soon as Kafka and MongoDB answer."""
    log.configure("setup")
    asyncio.run(_prepare(SetupSettings()))
    typer.echo("The topics and indexes are there.")


async def _prepare(settings: SetupSettings) -> None:
    db = connect(settings)
    try:
        await prepare_engines(settings, db)
    finally:
        await db.client.close()
