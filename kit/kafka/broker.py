"""How every process talks to Kafka: durable publishes, bounded sizes, one place for addresses and passwords."""

import ssl
from collections.abc import Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLScram512

from kit.kafka.events import EventMiddleware
from kit.kafka.producer import Producer
from kit.settings import KafkaSettings
from schemas.events import MAX_EVENT_BYTES

# Room for the context headers of a dead letter, and for the record around them.
MAX_REQUEST_BYTES = MAX_EVENT_BYTES + 2 * 65_536

# Without acks=all and idempotence aiokafka acknowledges what a broker may lose and doubles what it retries. No linger:
# while one request is under way the next batch fills anyway, so waiting would only add to every hop.
DURABLE: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "compression_type": "zstd",
    "linger_ms": 0,
    "max_batch_size": 65_536,
    "max_request_size": MAX_REQUEST_BYTES,
}


def make_broker(settings: KafkaSettings, *, client_id: str, middlewares: Sequence[Any] = ()) -> KafkaBroker:
    """A broker whose publishers take events. FastStream's own log lines, which quote records, are off."""
    broker = KafkaBroker(
        settings.kafka_bootstrap_servers.split(","),
        client_id=client_id,
        security=_security(settings),
        middlewares=(partial(EventMiddleware, source=client_id), *middlewares),
        logger=None,
        **DURABLE,
    )
    broker.config.broker_config.producer = Producer(lambda: AIOKafkaProducer(**broker._connection_kwargs))
    return broker


def consumer_options(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """For a bare AIOKafkaConsumer or AIOKafkaAdminClient."""
    return {
        "bootstrap_servers": settings.kafka_bootstrap_servers.split(","),
        "client_id": client_id,
        **parse_security(_security(settings)),
    }


def producer_options(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """For a bare AIOKafkaProducer."""
    return consumer_options(settings, client_id) | DURABLE


def _security(settings: KafkaSettings) -> BaseSecurity | None:
    protocol = settings.kafka_security_protocol
    context = ssl.create_default_context() if protocol.endswith("SSL") else None
    if protocol.startswith("SASL"):
        return SASLScram512(
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password.get_secret_value(),
            use_ssl=context is not None,
            ssl_context=context,
        )
    return BaseSecurity(use_ssl=True, ssl_context=context) if context else None
