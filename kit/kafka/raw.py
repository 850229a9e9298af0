"""Raw records: bytes, key and headers as they are, for what must not be re-encoded (dead letters, deferred records)."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka.errors import KafkaTimeoutError
from faststream.kafka import KafkaBroker
from faststream.kafka.publisher.producer import AioKafkaFastProducerImpl

from kit.kafka.events import PUBLISH_TIMEOUT

Headers = Sequence[tuple[str, bytes]]


async def publish_raw(
    broker: KafkaBroker, topic: str, *, value: bytes | None, key: bytes | None, headers: Headers
) -> None:
    """Durable on return (`acks=all`). A record without key and value gets an empty key, as aiokafka sends no other."""
    if value is None and key is None:
        key = b""
    producer = broker.config.producer
    if not isinstance(producer, AioKafkaFastProducerImpl):  # TestKafkaBroker: no wire, so headers are text
        text = {name: (data or b"").decode(errors="replace") for name, data in headers}
        await broker.publish(value, topic, key=key, headers=text)
        return
    client: Any = producer._producer.producer
    try:
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            await client.send_and_wait(topic, value=value, key=key, headers=list(headers))
    except TimeoutError as error:
        raise KafkaTimeoutError from error
