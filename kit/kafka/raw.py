"""The producer below FastStream's publishers: raw records, and a new one when Kafka no longer takes the old one's."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from weakref import WeakSet

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, OutOfOrderSequenceNumber, UnknownProducerId
from faststream.kafka import KafkaBroker
from faststream.kafka.publisher.producer import AioKafkaFastProducerImpl

from kit.kafka.events import PUBLISH_TIMEOUT

log = structlog.get_logger()

Headers = Sequence[tuple[str, bytes]]
CLOSE_TIMEOUT = 5.0  # seconds


async def publish_raw(
    broker: KafkaBroker, topic: str, *, value: bytes | None, key: bytes | None, headers: Headers
) -> None:
    """For what must not be re-encoded: dead letters, deferred records. Durable on return (`acks=all`).

    A record without key and value gets an empty key, as aiokafka sends no other.
    """
    if value is None and key is None:
        key = b""
    client = current_producer(broker)
    if client is None:  # TestKafkaBroker: no wire, so headers are text
        text = {name: (data or b"").decode(errors="replace") for name, data in headers}
        await broker.publish(value, topic, key=key, headers=text)
        return
    try:
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            await client.send_and_wait(topic, value=value, key=key, headers=list(headers))
    except TimeoutError as error:
        raise KafkaTimeoutError from error


def current_producer(broker: KafkaBroker) -> AIOKafkaProducer | None:
    """The producer in use; None before the broker is connected, and in tests without Kafka."""
    producer = broker.config.producer
    return producer._producer.producer if isinstance(producer, AioKafkaFastProducerImpl) and producer else None


def is_stuck(error: BaseException) -> bool:
    """Whether the producer will fail for ever: its numbering or its sender is broken (aiokafka#1017)."""
    return isinstance(error, (OutOfOrderSequenceNumber, UnknownProducerId)) or type(error) is KafkaError


async def renew_producer(broker: KafkaBroker, stuck: AIOKafkaProducer) -> None:
    """Give the broker a fresh producer in place of `stuck`; only the first call for it does. Raises KafkaError."""
    producer = broker.config.producer
    if stuck in _renewed or not isinstance(producer, AioKafkaFastProducerImpl):
        return
    _renewed.add(stuck)
    try:
        fresh = AIOKafkaProducer(**broker._connection_kwargs)
        await producer.connect(fresh, serializer=producer.serializer, codec=producer.codec)
    except BaseException:
        _renewed.discard(stuck)
        raise
    log.warning("producer renewed")
    with suppress(TimeoutError, KafkaError):  # what it still holds fails, is held, and is sent again
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await stuck.stop()


_renewed: "WeakSet[AIOKafkaProducer]" = WeakSet()
