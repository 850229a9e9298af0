"""The host of a stage: its database, its broker, its keyed subscribers, in one process.

A stage's `app.py` makes a `Stage`, wires its handlers with `on`, and runs it. Nothing connects before that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from faststream.kafka.prometheus import KafkaPrometheusMiddleware
from prometheus_client import REGISTRY

from kit.kafka import keyed, make_broker, publishes_well
from kit.mongo import connect
from kit.process import make_app, serve
from kit.settings import KafkaSettings, KeyedSettings, MongoSettings, ProcessSettings
from kit.tasks import watch
from records.consumer_groups import KnownGroups
from records.engines import answers, keep_topics, prepare_engines
from records.stage_failures import StageFailures
from records.waits import OUTAGE_WAITS
from schemas.events import Event
from schemas.journey import EVENT_BY_TOPIC


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
        self.failures = self._failures(name)
        self.resources = AsyncExitStack()
        self.resources.push_async_callback(self.db.client.close)  # last: the others may still want it

    def _failures(self, stage: str) -> StageFailures:
        return StageFailures(stage, self.db, self.publish, outage_waits=self.settings.outage_waits)

    async def publish(self, event: Event) -> None:
        """Durable on return (`acks=all`)."""
        await self.broker.publish(event, topic=event.topic)

    def on(
        self,
        *consumes: type[Event],
        emits: tuple[type[Event], ...] | type[Event] = (),
        group: str | None = None,
        stage: str | None = None,
        events: Mapping[str, type[Event]] = EVENT_BY_TOPIC,
        gather: timedelta | None = None,
    ) -> Callable[[Callable[..., Any]], Any]:
        """Subscribe a handler; what it returns is published before its input may be committed.

        `stage` names who answers for failures, where that is not the process; `events` may read a topic's records as
        a leaner type than the register's; `gather` is the keyed subscriber's.
        """
        subscribe = keyed(
            self.broker,
            *(event.topic for event in consumes),
            group_id=group or self.name,
            stage=stage or self.name,
            settings=self.settings,
            failures=self._failures(stage) if stage else self.failures,
            events=events,
            gather=gather,
            groups=KnownGroups(self.db),
        )

        def register(handler: Callable[..., Any]) -> Any:
            for event in emits if isinstance(emits, tuple) else (emits,):
                handler = self.broker.publisher(event.topic, schema=event)(handler)
            return subscribe(handler)

        return register

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.resources:
            await prepare_engines(self.settings, self.db)
            await self.broker.start()
            keeping = asyncio.create_task(keep_topics(self.settings))
            watch(keeping, "topics")
            try:
                yield
            finally:
                keeping.cancel()
                await self.broker.stop()

    def live(self) -> bool:
        healthy = all(subscriber.health() for subscriber in self.broker.subscribers)  # type: ignore[attr-defined]
        return healthy and publishes_well(self.broker)

    async def ready(self) -> Mapping[str, bool]:
        return {"kafka": await self.broker.ping(timeout=2), "mongodb": await answers(self.db)}

    def run(self) -> None:
        serve(self.name, self.settings, make_app(self.running, self.live, self.ready))
