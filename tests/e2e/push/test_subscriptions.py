"""The scheduler's side: one subscription for a channel that anybody follows, for as long as they do, whatever the hub
does."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from integrations.registry import IntegrationSettings
from integrations.youtube.channels import Channels
from integrations.youtube.urls import channel_url
from records.sources.websub import callback
from services.scheduler.hub import HubBusyError, HubRefusedError
from services.scheduler.subscriptions import AT_ONCE, Subscriptions
from tests.e2e.push.conftest import CHANNEL, KEY, LONG_AGO, World

HOME = "https://imports.test"
LEASE = timedelta(days=5)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEEDS = IntegrationSettings.model_validate({"youtube_feeds_url": "https://feeds.test"})


@dataclass
class FakeHub:
    """Confirms at the callback what it is asked for, at once, unless `failure` is set or it is `mute`."""

    world: World
    failure: Exception | None = None
    mute: bool = False
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def ask(self, form: Mapping[str, str]) -> None:
        self.asked.append(form)
        if self.failure:
            raise self.failure
        if not self.mute:
            await self.confirm(form)

    async def confirm(self, form: Mapping[str, str]) -> None:
        asked = {name: form[name] for name in ("hub.mode", "hub.topic")}
        query = {**asked, "hub.challenge": "c", "hub.lease_seconds": f"{LEASE.total_seconds():.0f}"}
        answer = await self.world.client.get(urlsplit(form["hub.callback"]).path, params=query)
        assert (answer.status_code, answer.text) == (200, "c")

    @property
    def modes(self) -> list[str]:
        return [form["hub.mode"] for form in self.asked]


@pytest.fixture
def hub(world: World) -> FakeHub:
    return FakeHub(world)


def scheduler(world: World, hub: FakeHub, key: SecretStr = KEY, public_url: str = HOME) -> Subscriptions:
    return Subscriptions(
        world.db, hub.ask, key=key, public_url=public_url, feeds={"youtube": Channels(FEEDS)},
        sweep_every=timedelta(minutes=1), now=world.clock.now,
    )  # fmt: skip


async def rounds(world: World, *schedulers: Subscriptions, over: timedelta, step: timedelta = HOUR) -> None:
    """At once, and then every `step`."""
    end = world.clock.now() + over
    while True:
        while any(await asyncio.gather(*(each.tick() for each in schedulers))):
            pass
        if world.clock.now() >= end:
            return
        world.clock.advance(step)


def channel(number: int) -> str:
    return f"UC{number:022d}"


async def test_a_channel_has_one_subscription_however_many_follow_it(world: World, hub: FakeHub) -> None:
    for member in ("ada", "bob", "eve"):
        await world.follows(member)
    await world.follows("may", channel_url(channel(1)), sync_frequency="manual")
    await world.follows("off", channel_url(channel(2)), sync_enabled=False)
    await world.follows("git", "https://github.com/a/b")
    await scheduler(world, hub).tick()
    address = callback(KEY, CHANNEL)
    assert hub.asked == [
        {
            "hub.mode": "subscribe",
            "hub.topic": f"https://feeds.test/videos.xml?channel_id={CHANNEL}",
            "hub.callback": f"{HOME}/webhooks/websub/{address.token}/",
            "hub.secret": address.secret.get_secret_value(),
            "hub.lease_seconds": "864000",
            "hub.verify": "async",
        }
    ]
    (stored,) = await world.db.subscriptions.find().to_list()
    assert (stored["_id"], stored["state"]) == (CHANNEL, "active")
    for secret in (address.token, address.secret.get_secret_value(), KEY.get_secret_value()):
        assert secret not in str(stored), "nothing that is stored lets anybody push"


async def test_any_number_of_schedulers_ask_once(world: World, hub: FakeHub) -> None:
    channels = [channel(number) for number in range(2 * AT_ONCE + 1)]
    for one in channels:
        await world.follows("ada", channel_url(one))
    await rounds(world, *(scheduler(world, hub) for _ in range(4)), over=timedelta(0))
    assert sorted(form["hub.topic"][-24:] for form in hub.asked) == channels


async def test_no_lease_ends_while_somebody_follows(world: World, hub: FakeHub) -> None:
    for number in range(20):
        await world.follows("ada", channel_url(channel(number)))
    schedulers = [scheduler(world, hub) for _ in range(2)]
    for _ in range(30 * 8):
        await rounds(world, *schedulers, over=3 * HOUR, step=3 * HOUR)
        lapsed = {"$not": {"$gt": world.clock.now()}}
        assert await world.db.subscriptions.count_documents({"lease_until": lapsed}) == 0
    assert 20 * 30 / 4.5 <= len(hub.asked) <= 20 * (30 / 3.5 + 1)
    moments = await world.db.subscriptions.distinct("due_at")
    assert len(moments) == 20, "what began together does not come back together"


async def test_a_hub_that_is_away_is_left_alone_and_all_is_well_when_it_is_back(world: World, hub: FakeHub) -> None:
    for number in range(3 * AT_ONCE):
        await world.follows("ada", channel_url(channel(number)))
    hub.failure = HubBusyError("503", timedelta(seconds=120))
    one = scheduler(world, hub)
    await rounds(world, one, over=timedelta(seconds=119), step=timedelta(seconds=1))
    assert len(hub.asked) == AT_ONCE, "those that were on their way, and no more for two minutes"
    await rounds(world, one, over=3 * DAY, step=timedelta(minutes=10))
    assert len(hub.asked) < 30 * 20, "each after longer and longer pauses"
    hub.failure = None
    await rounds(world, one, over=DAY)
    assert await world.db.subscriptions.count_documents({"state": "active", "failures": 0}) == 3 * AT_ONCE


@pytest.mark.parametrize("failure", [None, HubRefusedError("400")], ids=["takes all, confirms nothing", "refuses"])
async def test_a_hub_of_which_nothing_comes_is_asked_less_and_less(
    world: World, hub: FakeHub, failure: Exception | None
) -> None:
    await world.follows("ada")
    hub.mute, hub.failure = True, failure
    await rounds(world, scheduler(world, hub), over=30 * DAY)
    assert 30 <= len(hub.asked) <= 50
    (stored,) = await world.db.subscriptions.find().to_list()
    assert (stored["state"], stored["failures"]) == ("pending", len(hub.asked))
    assert stored["due_at"] - world.clock.now() <= DAY


async def test_a_confirmation_that_comes_late_counts(world: World, hub: FakeHub) -> None:
    await world.follows("ada")
    hub.mute = True
    await scheduler(world, hub).tick()
    world.clock.advance(timedelta(minutes=5))
    await hub.confirm(hub.asked[0])
    assert await world.db.subscriptions.count_documents({"state": "active", "failures": 0}) == 1


async def test_what_nobody_follows_any_more_is_ended_and_followed_again_it_begins_anew(
    world: World, hub: FakeHub
) -> None:
    for member in ("ada", "bob"):
        await world.follows(member)
    one = scheduler(world, hub)
    await rounds(world, one, over=HOUR)
    await world.unfollow("ada")
    await rounds(world, one, over=HOUR)
    assert hub.modes == ["subscribe"], "Bob follows it still"
    await world.unfollow("bob")
    await rounds(world, one, over=HOUR)
    assert hub.modes == ["subscribe", "unsubscribe"]
    assert await world.db.subscriptions.count_documents({}) == 0
    await world.follows("ada")
    await rounds(world, one, over=HOUR)
    assert hub.modes == ["subscribe", "unsubscribe", "subscribe"]
    assert await world.db.subscriptions.count_documents({"state": "active"}) == 1


async def test_an_end_that_the_hub_does_not_confirm_comes_with_the_lease(world: World, hub: FakeHub) -> None:
    await world.follows("ada")
    one = scheduler(world, hub)
    await rounds(world, one, over=LONG_AGO)
    await world.unfollow("ada")
    hub.failure = HubBusyError("503", timedelta(minutes=2))
    await rounds(world, one, over=LEASE + DAY)
    assert await world.db.subscriptions.count_documents({}) == 0
    assert set(hub.modes[1:]) == {"unsubscribe"}


async def test_a_channel_that_was_never_subscribed_to_needs_no_end(world: World, hub: FakeHub) -> None:
    await world.follows("ada")
    hub.mute = True
    one = scheduler(world, hub)
    await rounds(world, one, over=HOUR)
    asked = len(hub.asked)
    await world.unfollow("ada")
    await rounds(world, one, over=HOUR)
    assert len(hub.asked) == asked
    assert await world.db.subscriptions.count_documents({}) == 0


@pytest.mark.parametrize("change", ["key", "address"])
async def test_another_key_or_address_of_ours_is_told_to_the_hub(world: World, hub: FakeHub, change: str) -> None:
    await world.follows("ada")
    await rounds(world, scheduler(world, hub), over=HOUR)
    hub.mute = True
    if change == "key":
        after = scheduler(world, hub, key=SecretStr("another key of thirty-two bytes or more"))
    else:
        after = scheduler(world, hub, public_url="https://moved.test")
    await rounds(world, after, over=HOUR)
    assert hub.asked[-1]["hub.callback"] != hub.asked[0]["hub.callback"]
    assert hub.modes[:2] == ["subscribe", "subscribe"]
