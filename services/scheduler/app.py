"""Composition root of the scheduler."""

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from integrations.registry import IntegrationSettings, build_registry
from kit.http import open_transport
from kit.kafka import make_broker, publishes_well
from kit.kafka.events import ATTEMPT
from kit.kafka.producer import publish_raw
from kit.mongo import connect
from kit.process import make_app, serve
from records.deferred import DeferredRecord
from records.engines import answers, prepare_engines
from schemas.events import Event
from services.scheduler.hub import Hub
from services.scheduler.reanalysis import Reanalysis
from services.scheduler.relay import Relay
from services.scheduler.settings import SchedulerSettings
from services.scheduler.subscriptions import Subscriptions
from services.scheduler.sync_dispatcher import SyncDispatcher
from services.scheduler.ticker import Tick, Ticker


def build(settings: SchedulerSettings) -> Starlette:
    db = connect(settings)
    broker = make_broker(settings, client_id="scheduler")

    async def publish(event: Event, attempt: int = 1) -> None:
        headers = {ATTEMPT: str(attempt)} if attempt > 1 else {}
        await broker.publish(event, topic=event.topic, headers=headers)

    async def send(message: DeferredRecord) -> None:
        headers = [(name, bytes(value)) for name, value in message["headers"]]
        await publish_raw(
            broker, message["topic"], value=bytes(message["value"]), key=bytes(message["key"]), headers=headers
        )

    relay = Relay(db, publish, send, settings)

    at_once = math.ceil(settings.syncs_per_second * settings.tick.total_seconds())
    dispatcher = SyncDispatcher(db, publish, at_once=at_once, lost_after=settings.sync_lost_after)

    ticks: dict[str, Tick] = {name: duty.tick for name, duty in relay.duties.items()}
    ticks["sources"] = dispatcher.tick
    ticks["reanalysis"] = Reanalysis(db, per_hour=settings.reanalyses_per_hour, after=settings.reanalyse_after).tick
    transport = open_transport()
    if settings.webhook_key.get_secret_value():
        ticks["subscriptions"] = Subscriptions(
            db,
            Hub(transport, settings.websub_hub_url).ask,
            key=settings.webhook_key,
            public_url=settings.public_url,
            feeds=build_registry(IntegrationSettings()).feeds,
            sweep_every=settings.subscription_sweep,
        ).tick
    ticker = Ticker(ticks, settings.tick)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        await prepare_engines(settings, db)
        await broker.start()
        try:
            async with ticker.running():
                yield
        finally:
            await relay.close()
            await broker.stop()
            await transport.aclose()
            await db.client.close()

    async def ready() -> Mapping[str, bool]:
        return {"kafka": await broker.ping(timeout=2), "mongodb": await answers(db)}

    def live() -> bool:
        return ticker.is_live and publishes_well(broker)

    return make_app(running, live, ready)


def main() -> None:
    settings = SchedulerSettings()
    serve("scheduler", settings, build(settings))


if __name__ == "__main__":
    main()
