"""Composition root of the scheduler."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from time import monotonic

import structlog
from aiokafka.errors import KafkaError
from starlette.applications import Starlette

from kit.engines import answers, prepare_engines
from kit.kafka import make_broker
from kit.kafka.raw import publish_raw
from kit.mongo import Document, connect, is_outage
from kit.process import make_app, serve
from schemas.events import Event
from services.scheduler.relay import BATCH, Relay
from services.scheduler.settings import SchedulerSettings

SILENCE = 60.0  # seconds without a round, after which the process is not live

log = structlog.get_logger()


def build(settings: SchedulerSettings) -> Starlette:
    db = connect(settings)
    broker = make_broker(settings, client_id="scheduler")
    heartbeat = monotonic()

    async def publish(event: Event) -> None:
        await broker.publish(event, topic=event.topic)

    async def send(message: Document) -> None:
        headers = [(name, bytes(value)) for name, value in message["headers"]]
        await publish_raw(
            broker, message["topic"], value=bytes(message["value"]), key=bytes(message["key"]), headers=headers
        )

    relay = Relay(db, publish, send, settings)

    async def rounds() -> None:
        nonlocal heartbeat
        while True:
            published = 0
            try:
                published = await relay.tick()
            except Exception as error:
                outage = is_outage(error) or isinstance(error, KafkaError | OSError)
                log.warning("round failed", error=type(error).__name__, exc_info=not outage)
            heartbeat = monotonic()
            if published < BATCH:  # else there is more to do at once
                await asyncio.sleep(settings.tick.total_seconds())

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        await prepare_engines(settings, db)
        await broker.start()
        task = asyncio.create_task(rounds())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await broker.stop()
            await db.client.close()

    async def ready() -> Mapping[str, bool]:
        return {"kafka": await broker.ping(timeout=2), "mongodb": await answers(db)}

    return make_app(running, lambda: monotonic() - heartbeat < SILENCE, ready)


def main() -> None:
    settings = SchedulerSettings()
    serve("scheduler", settings, build(settings))


if __name__ == "__main__":
    main()
