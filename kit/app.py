"""The host of a stage: its database, its broker, its keyed subscribers, in one process.

A stage's `app.py` makes a `Stage`, wires its handlers with `on`, and runs it. Nothing connects before that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog
from faststream.kafka.prometheus import KafkaPrometheusMiddleware
from prometheus_client import REGISTRY
from pymongo.errors import PyMongoError

from kit.failures import OUTAGE_WAITS, StageFailures
from kit.kafka import ensure_topics, keyed, make_broker
from kit.mongo import connect, ensure_indexes, is_outage
from kit.process import make_app, serve
from kit.settings import KafkaSettings, KeyedSettings, MongoSettings, ProcessSettings
from schemas.events import Event
from schemas.journey import TOPICS, Topic


class StageSettings(KafkaSettings, KeyedSettings, MongoSettings, ProcessSettings):
    """What every stage reads from the environment."""

    outage_waits: tuple[timedelta, ...] = OUTAGE_WAITS


class Stage:
    """One consuming process. What is entered into `resources` is closed after the consumers have drained."""

    def __init__(self, name: str, settings: StageSettings) -> None:
        self.name = name
        self.settings = settings
        self.db = connect(settings)
        metrics = KafkaPrometheusMiddleware(registry=REGISTRY, app_name=name, metrics_prefix="thrive")
        self.broker = make_broker(settings, client_id=name, middlewares=(metrics,))
        self.failures = StageFailures(name, self.db, self.publish, outage_waits=settings.outage_waits)
        self.resources = AsyncExitStack()

    async def publish(self, event: Event) -> None:
        """Durable on return (`acks=all`)."""
        await self.broker.publish(event, topic=event.topic)

    def on(
        self, *consumes: type[Event], emits: type[Event] | None = None, group: str | None = None
    ) -> Callable[[Callable[..., Any]], Any]:
        """Subscribe a handler; the event that it returns is published before its input may be committed."""
        subscribe = keyed(
            self.broker,
            *(event.topic for event in consumes),
            group_id=group or self.name,
            stage=group or self.name,
            settings=self.settings,
            failures=self.failures,
        )

        def register(handler: Callable[..., Any]) -> Any:
            if emits is not None:
                handler = self.broker.publisher(emits.topic, schema=emits)(handler)
            return subscribe(handler)

        return register

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.resources:
            await prepare_engines(self)
            await self.broker.start()
            try:
                yield
            finally:
                await self.broker.stop()
                await self.db.client.close()

    def live(self) -> bool:
        return all(subscriber.health() for subscriber in self.broker.subscribers)  # type: ignore[attr-defined]

    async def ready(self) -> Mapping[str, bool]:
        return {"kafka": await self.broker.ping(timeout=2), "mongodb": await answers(self)}

    def run(self) -> None:
        serve(self.name, self.settings, make_app(self.running, self.live, self.ready))


async def answers(stage: Stage) -> bool:
    try:
        await stage.db.command("ping")
    except PyMongoError:
        return False
    return True


async def prepare_engines(stage: Stage, topics: tuple[Topic, ...] = TOPICS) -> None:
    """Wait until both engines answer, and leave them with our topics and indexes."""
    while True:
        try:
            await ensure_topics(stage.settings, topics)
            await ensure_indexes(stage.db)
        except Exception as error:
            if not (is_outage(error) or stage.failures.is_kafka_outage(error)):
                raise
            structlog.get_logger().warning("engines are not ready yet", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            return
