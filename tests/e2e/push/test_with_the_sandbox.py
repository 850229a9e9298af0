"""Both sides against a hub and a GitHub that verify, sign and deliver over the wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from integrations.registry import IntegrationSettings
from integrations.youtube.channels import Channels
from integrations.youtube.urls import channel_url
from kit.http import open_transport
from kit.mongo import Document
from sandbox.client import SandboxClient
from sandbox.data.uploads import LIGHTHOUSE
from sandbox.running import running
from sandbox.upstreams.github.webhooks import SECRET
from services.scheduler.hub import Hub
from services.scheduler.subscriptions import Subscriptions
from tests.e2e.push.conftest import KEY, World
from tests.unit.gateway.support import FakeBroker, gateway_app, settings

LINK = channel_url(LIGHTHOUSE.id)
REPOSITORY = "mira-example/paper-lanterns"


@dataclass
class Wired:
    world: World
    sandbox: SandboxClient
    scheduler: Subscriptions
    url: str

    async def subscription(self) -> Document | None:
        return await self.world.db.subscriptions.find_one({"_id": LIGHTHOUSE.id})

    async def subscribe(self) -> None:
        """The scheduler asks, the hub verifies, the gateway confirms."""
        await self.scheduler.tick()
        await until(self._active)

    async def pushed(self) -> list[str]:
        """Who has a source that was made due; their looks end then."""
        members = await self.world.pushed()
        await self.world.synced()
        self.world.clock.advance(timedelta(hours=1))
        return members

    async def _active(self) -> bool:
        subscription = await self.subscription()
        return (
            subscription is not None and subscription["state"] == "active" and bool(await self.sandbox.subscriptions())
        )


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110  it changes elsewhere
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture
async def wired(world: World) -> AsyncIterator[Wired]:
    given = settings(webhook_key=KEY, github_webhook_secret=SecretStr(SECRET))
    app = world.serve(gateway_app(given, world.db, FakeBroker().publish))
    transport = open_transport()
    async with running() as sandbox, serving(app) as url:
        feeds = IntegrationSettings.model_validate({"youtube_feeds_url": sandbox.environment["YOUTUBE_FEEDS_URL"]})
        scheduler = Subscriptions(
            world.db,
            Hub(transport, sandbox.environment["WEBSUB_HUB_URL"]).ask,
            key=KEY,
            public_url=url,
            feeds={"youtube": Channels(feeds)},
            sweep_every=timedelta(minutes=1),
            now=world.clock.now,
        )
        yield Wired(world, sandbox, scheduler, url)
    await transport.aclose()


@pytest.mark.parametrize("algorithm", ["sha1", "sha512"])
async def test_an_upload_an_edit_and_a_deletion_are_each_a_sync(wired: Wired, algorithm: str) -> None:
    for member in ("ada", "bob"):
        await wired.world.follows(member, LINK)
    await wired.subscribe()
    await wired.sandbox.hub(algorithm=algorithm)
    video = await wired.sandbox.upload(LIGHTHOUSE.id, title="Fog on the river")
    assert await wired.pushed() == ["ada", "bob"]
    (repeated,) = await wired.sandbox.push_video(video)
    assert (repeated["status"], await wired.pushed()) == (204, []), "the same news"
    await wired.sandbox.change_video(video, title="Fog on the sea")
    assert await wired.pushed() == ["ada", "bob"]
    (deleted,) = await wired.sandbox.delete_video(video)
    assert await wired.pushed() == ["ada", "bob"]
    (again,) = await wired.sandbox.redeliver(deleted["id"])
    assert (again["status"], await wired.pushed()) == (204, [])


async def test_a_hub_with_another_secret_pushes_in_vain(wired: Wired) -> None:
    await wired.world.follows("ada", LINK)
    await wired.subscribe()
    await wired.sandbox.hub(forging=True)
    await wired.sandbox.upload(LIGHTHOUSE.id, title="Not ours")
    assert [each["status"] for each in await wired.sandbox.deliveries("websub")] == [204]
    assert await wired.pushed() == []


async def test_a_hub_that_is_away_gets_its_time_and_then_the_subscription_stands(wired: Wired) -> None:
    await wired.world.follows("ada", LINK)
    await wired.sandbox.fault("hub", "unavailable")
    for _ in range(10):
        await wired.scheduler.tick()
    assert await wired.sandbox.calls("hub") == 1
    await wired.sandbox.heal()
    wired.world.clock.advance(timedelta(minutes=15))
    await wired.subscribe()


async def test_a_denial_is_taken(wired: Wired) -> None:
    await wired.world.follows("ada", LINK)
    await wired.sandbox.hub(denying=True)
    await wired.scheduler.tick()

    async def denied() -> bool:
        subscription = await wired.subscription()
        return subscription is not None and subscription["state"] == "denied"

    await until(denied)


async def test_with_its_last_follower_the_subscription_ends_at_the_hub_too(wired: Wired) -> None:
    await wired.world.follows("ada", LINK)
    await wired.subscribe()
    await wired.world.unfollow("ada")
    wired.world.clock.advance(timedelta(minutes=1))
    await wired.scheduler.tick()

    async def ended() -> bool:
        return await wired.subscription() is None and not await wired.sandbox.subscriptions()

    await until(ended)


async def test_a_repositorys_changes_and_its_new_name_are_each_a_sync(wired: Wired) -> None:
    await wired.world.follows("ada", f"https://github.com/{REPOSITORY}")
    await wired.sandbox.webhooks(f"{wired.url}/webhooks/github/")
    (changed,) = await wired.sandbox.change_repository(REPOSITORY, description="Another one")
    assert (changed["status"], await wired.pushed()) == (202, ["ada"])
    (again,) = await wired.sandbox.redeliver(changed["id"])
    assert (again["status"], await wired.pushed()) == (204, [])
    (pushed,) = await wired.sandbox.push_repository(REPOSITORY)
    assert (pushed["status"], await wired.pushed()) == (202, ["ada"])
    (renamed,) = await wired.sandbox.change_repository(REPOSITORY, full_name="mira-example/paper-boats")
    assert (renamed["status"], await wired.pushed()) == (202, ["ada"])


async def test_webhooks_that_are_signed_with_another_secret_are_refused(wired: Wired) -> None:
    await wired.world.follows("ada", f"https://github.com/{REPOSITORY}")
    await wired.sandbox.webhooks(f"{wired.url}/webhooks/github/", secret="another")
    (refused,) = await wired.sandbox.push_repository(REPOSITORY)
    assert (refused["status"], await wired.pushed()) == (401, [])


async def test_a_hub_that_drops_pushes_delays_nothing_beyond_the_next_sync(wired: Wired) -> None:
    source = await wired.world.follows("ada", LINK)
    await wired.subscribe()
    await wired.sandbox.hub(dropping=True)
    await wired.sandbox.upload(LIGHTHOUSE.id, title="Heard of by nobody")
    await wired.scheduler.tick()
    assert await wired.world.due_at() == source["next_sync_at"]
