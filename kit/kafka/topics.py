"""Topics are created from the register in `schemas.journey`, with everything explicit."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from kit.kafka.broker import consumer_options
from kit.settings import KafkaSettings
from schemas.journey import Topic

APPEAR_TIMEOUT = 10.0  # seconds

log = structlog.get_logger()


async def ensure_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> None:
    """Create what is missing; safe to call from many processes at once. An existing topic that differs is left as it
    is, with a warning: shrinking a retention or adding partitions is an operator's decision. Raises KafkaError.
    """
    wanted = list(topics)
    async with _admin(settings) as admin:
        missing = await _create_missing(admin, settings, wanted)
        await _compare(admin, [topic for topic in wanted if topic not in missing])


async def restore_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> list[str]:
    """Create what is missing and look at nothing else; the names of what was missing. Raises KafkaError."""
    async with _admin(settings) as admin:
        return [topic.name for topic in await _create_missing(admin, settings, list(topics))]


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**consumer_options(settings, "topics"))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _create_missing(admin: AIOKafkaAdminClient, settings: KafkaSettings, topics: list[Topic]) -> list[Topic]:
    existing = await admin.list_topics()
    missing = [topic for topic in topics if topic.name not in existing]
    if missing:
        await _create(admin, settings, missing)
        await _appear(admin, missing)
    return missing


async def _create(admin: AIOKafkaAdminClient, settings: KafkaSettings, topics: list[Topic]) -> None:
    new = [
        NewTopic(topic.name, topic.partitions, settings.kafka_replication_factor, topic_configs=configs(topic))
        for topic in topics
    ]
    response = await admin.create_topics(new)
    for name, code, *_ in response.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise for_code(code)(name)


async def _appear(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    """A new topic is known to the controller a moment before the brokers speak of it."""
    names = {topic.name for topic in topics}
    with suppress(TimeoutError):
        async with asyncio.timeout(APPEAR_TIMEOUT):
            while not names <= set(await admin.list_topics()):  # noqa: ASYNC110 (nobody tells us)
                await asyncio.sleep(0.02)


async def _compare(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    if not topics:
        return
    found = {topic["topic"]: topic for topic in await admin.describe_topics([topic.name for topic in topics])}
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, dict.fromkeys(configs(topic))) for topic in topics
    ]
    actual: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for _code, _message, _type, name, entries, *_ in response.resources:
            actual[name] = {entry[0]: entry[1] for entry in entries}
    for topic in topics:
        want = configs(topic) | {"partitions": str(topic.partitions)}
        have = actual.get(topic.name, {}) | {"partitions": str(len(found[topic.name]["partitions"]))}
        if differs := {name: have.get(name) for name, value in want.items() if have.get(name) != value}:
            log.warning(
                "topic has other settings", topic=topic.name, found=differs, wanted={n: want[n] for n in differs}
            )


def configs(topic: Topic) -> dict[str, str]:
    return {
        "retention.ms": str(round(topic.retention.total_seconds() * 1000)),
        "max.message.bytes": str(topic.max_message_bytes),
        "compression.type": "zstd",
        "cleanup.policy": "delete",
    }
