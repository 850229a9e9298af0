"""Waits for Kafka and MongoDB at the start of a process, and prepares them."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from kit.kafka import ensure_topics, restore_topics
from kit.mongo import Database, is_outage
from kit.settings import KafkaSettings, MongoSettings
from records.indexes import ensure_indexes
from schemas.journey import TOPICS, Topic

TOPICS_INTERVAL = timedelta(seconds=30)

log = structlog.get_logger()


async def answers(db: Database) -> bool:
    try:
        await db.command("ping")
    except PyMongoError:
        return False
    return True


async def prepare_engines(settings: KafkaSettings, db: Database, topics: Iterable[Topic] = TOPICS) -> None:
    """Wait until both engines answer, and leave them with our topics and indexes."""
    while True:
        try:
            await ensure_topics(settings, topics)
            await ensure_indexes(db, settings if isinstance(settings, MongoSettings) else None)
        except Exception as error:
            if not (is_outage(error) or isinstance(error, KafkaError | OSError)):
                raise
            log.warning("waiting for Kafka and MongoDB", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            return


async def keep_topics(
    settings: KafkaSettings, topics: Iterable[Topic] = TOPICS, *, every: timedelta = TOPICS_INTERVAL
) -> None:
    """Create deleted topics again, for ever: writing to a topic does not create it."""
    kept = list(topics)
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            if restored := await restore_topics(settings, kept):
                log.error("deleted topics created again", topics=restored)
        except (KafkaError, OSError, TimeoutError) as error:  # asked again in the next round
            log.warning("topics could not be listed", error=type(error).__name__)
