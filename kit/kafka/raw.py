"""Raw records through a broker's producer: what must not be re-encoded."""

import asyncio
from collections.abc import Sequence

from aiokafka.errors import KafkaTimeoutError
from faststream.kafka import KafkaBroker

from kit.kafka.events import PUBLISH_TIMEOUT
from kit.kafka.producer import Producer

Headers = Sequence[tuple[str, bytes]]


async def publish_raw(
    broker: KafkaBroker, topic: str, *, value: bytes | None, key: bytes | None, headers: Headers
) -> None:
    """For dead letters and deferred records. Durable on return (`acks=all`); raises KafkaError.

    A record without key and value gets an empty key, as aiokafka sends no other.
    """
    if value is None and key is None:
        key = b""
    producer = broker.config.producer
    if not (isinstance(producer, Producer) and producer):  # TestKafkaBroker: no wire, so headers are text
        text = {name: (data or b"").decode(errors="replace") for name, data in headers}
        await broker.publish(value, topic, key=key, headers=text)
        return
    try:
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            await producer.send(topic, value=value, key=key, headers=list(headers))
    except TimeoutError as error:
        raise KafkaTimeoutError from error


def publishes_well(broker: KafkaBroker) -> bool:
    """For liveness: false where Kafka refuses whatever this process sends, and no new producer cured it."""
    producer = broker.config.producer
    return not isinstance(producer, Producer) or producer.well
