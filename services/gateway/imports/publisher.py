"""The gateway's own publisher: it connects in the background, since requests are accepted without a broker too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from aiokafka.errors import KafkaError

from kit.kafka import ensure_topics, make_broker, publishes_well
from kit.settings import KafkaSettings
from schemas.events import Event
from schemas.journey import TOPICS

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
START_SECONDS = 5.0  # given to the broker before requests come, so that the first ones need no relay
FLUSH_SECONDS = 5.0


class Publisher:
    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._broker = make_broker(settings, client_id="gateway")

    async def __call__(self, event: Event) -> None:
        """Durable on return. Raises at once if the broker was never reached; its later absence takes time to show."""
        await self._broker.publish(event, topic=event.topic)

    def well(self) -> bool:
        """For liveness."""
        return publishes_well(self._broker)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        connecting = asyncio.create_task(self._connect())
        await asyncio.wait({connecting}, timeout=START_SECONDS)
        try:
            yield
        finally:
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting
            with suppress(TimeoutError):
                await asyncio.wait_for(self._broker.stop(), FLUSH_SECONDS)

    async def _connect(self) -> None:
        while True:
            try:
                await ensure_topics(self._settings, TOPICS)
                await self._broker.start()
            except Exception as error:
                expected = isinstance(error, KafkaError | OSError)
                log.warning(
                    "waiting for Kafka; the relay publishes meanwhile", exc_info=not expected, error=repr(error)
                )
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return
