"""What a hub pushes: a signed entry is one sync of its channel for each who follows it; all else is nothing."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from integrations.youtube.urls import channel_url
from records.sources.websub import callback
from services.gateway.webhooks.service import PAUSE
from services.gateway.webhooks.websub import Subscriptions
from tests.e2e.push.conftest import ANOTHER, CHANNEL, KEY, World, signature
from tests.e2e.push.feeds import deletion, feed, upload


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
async def test_an_upload_makes_the_channel_due_for_each_who_follows_it(world: World, method: str) -> None:
    for member in ("ada", "bob"):
        await world.follows(member)
    await world.follows("eve", channel_url(ANOTHER))
    await world.follows("may", sync_frequency="manual")
    await world.follows("off", sync_enabled=False)
    address, body = await world.subscribed(), upload()
    signed = signature(body, address.secret.get_secret_value(), method)
    answer = await world.push(address, body, **{"X-Hub-Signature": signed})
    assert (answer.status_code, answer.content) == (204, b"")
    assert await world.pushed() == ["ada", "bob"]


async def test_what_is_not_signed_by_the_subscriptions_secret_is_ignored(world: World) -> None:
    await world.follows("ada")
    address, body = await world.subscribed(), upload()
    anothers = await world.subscribed(ANOTHER)
    secret = address.secret.get_secret_value()
    signed = signature(body, secret, "sha1")
    attacks = [
        (body.replace(b"A title", b"A titlf"), signed),
        (body + b"\n", signed),
        (body, signed[:-1] + ("0" if signed[-1] != "0" else "1")),
        (body, signature(body, anothers.secret.get_secret_value(), "sha1")),
        (body, signature(body, address.token, "sha1")),
        (body, signature(body, "", "sha1")),
        (body, signature(body, secret, "md5")),
        (body, signed.removeprefix("sha1=")),
        (body, ""),
    ]
    for forged, header in attacks:
        answer = await world.push(address, forged, **{"X-Hub-Signature": header})
        assert (answer.status_code, answer.content) == (204, b"")
    unsigned = await world.client.post(f"/webhooks/websub/{address.token}/", content=body)
    assert unsigned.status_code == 204
    assert await world.pushed() == []
    assert await world.db.pushes.count_documents({}) == 0
    await world.push(address, body)
    assert await world.pushed() == ["ada"], "what was forged does not stand in the way of what is genuine"


async def test_the_same_news_is_one_sync_and_an_edit_is_another(world: World) -> None:
    await world.follows("ada")
    address = await world.subscribed()
    for updated, pushed in (("1", ["ada"]), ("1", []), ("2", ["ada"]), ("1", []), ("2", [])):
        world.clock.advance(timedelta(hours=1))
        await world.push(address, upload(updated=updated))
        assert await world.pushed() == pushed
        await world.synced()


async def test_a_deleted_upload_is_a_reason_to_sync(world: World) -> None:
    await world.follows("ada")
    await world.push(await world.subscribed(), deletion())
    assert await world.pushed() == ["ada"]


async def test_a_callback_speaks_for_its_own_channel_only(world: World) -> None:
    await world.follows("ada")
    await world.follows("eve", channel_url(ANOTHER))
    await world.push(await world.subscribed(), upload(channel_id=ANOTHER))
    assert await world.pushed() == []


async def test_many_pushes_are_a_sync_now_and_one_after_a_pause(world: World) -> None:
    await world.follows("ada", last_checked_at=world.clock.now())
    address = await world.subscribed()
    await world.push(address, upload(updated="first"))
    assert await world.pushed() == ["ada"]
    await world.synced()
    after = world.clock.now() + PAUSE
    for number in range(20):
        await world.push(address, upload(updated=f"{number}"))
        assert (await world.pushed(), await world.due_at()) == ([], after)
        world.clock.advance(timedelta(seconds=1))
    world.clock.advance(PAUSE)
    assert await world.pushed() == ["ada"]


async def test_a_push_during_a_sync_is_another_sync_and_before_it_is_the_same(world: World) -> None:
    await world.follows("ada")
    address = await world.subscribed()
    for updated in "123":
        world.clock.advance(timedelta(seconds=1))
        await world.push(address, upload(updated=updated))
        assert await world.due_at() == world.clock.now(), "it is to see what is there now"
    await world.emitted()
    world.clock.advance(timedelta(seconds=1))
    await world.push(address, upload(updated="4"))
    assert await world.due_at() == world.clock.now() + PAUSE


async def test_a_sync_that_is_due_by_the_clock_becomes_one_that_sees_what_is_there_now(world: World) -> None:
    due = world.clock.now() - timedelta(minutes=5)
    await world.follows("ada", next_sync_at=due, emit_at=due)
    await world.push(await world.subscribed(), upload())
    assert (await world.pushed(), await world.due_at()) == (["ada"], world.clock.now())


@pytest.mark.parametrize("reason", ["new", "requested"])
async def test_whom_a_member_waits_for_stays_that_and_sees_what_is_there_now(world: World, reason: str) -> None:
    due = world.clock.now() - timedelta(seconds=5)
    await world.follows("ada", next_reason=reason, next_sync_at=due, emit_at=due)
    await world.push(await world.subscribed(), upload())
    assert (await world.pushed(), await world.due_at()) == ([], world.clock.now())
    assert await world.db.sources.count_documents({"next_reason": "requested"}) == 1


@pytest.mark.parametrize(
    "waits", [{"state": "failing", "failures": 3, "next_reason": "retry"}, {"next_reason": "limit"}], ids=str
)
async def test_a_push_shortens_no_pause_that_an_upstream_needs(world: World, waits: dict[str, Any]) -> None:
    await world.follows("ada", **waits)
    await world.push(await world.subscribed(), upload())
    assert await world.pushed() == []


async def test_what_was_gone_is_synced_when_it_is_heard_of(world: World) -> None:
    await world.follows("ada", state="gone", failures=3, next_reason="retry")
    await world.push(await world.subscribed(), upload())
    assert await world.pushed() == ["ada"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        feed("<entry/>"),
        feed(head='<!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'),
        feed(head='<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        b'<?xml version="1.0" encoding="foo"?><feed/>',
        feed("<a>" * 5_000),
        feed("<entry/>" * 50_000),
    ],
    ids=lambda body: body[:60].decode(),
)
async def test_what_makes_no_sense_is_ignored_though_it_is_signed(world: World, body: bytes) -> None:
    await world.follows("ada")
    answer = await world.push(await world.subscribed(), body)
    assert (answer.status_code, await world.pushed()) == (204, [])


async def test_a_delivery_is_bounded(world: World) -> None:
    answer = await world.push(await world.subscribed(), feed("<a/>" * 300_000))
    assert (answer.status_code, answer.json()["error_code"]) == (413, "BODY_TOO_LARGE")


async def test_a_channel_that_nobody_follows_any_more_is_given_up_at_its_next_push(world: World) -> None:
    address = await world.subscribed(asked=None, state="active")
    assert (await world.push(address, upload())).status_code == 204
    stored = await world.db.subscriptions.find_one({"_id": CHANNEL})
    assert stored is not None
    assert stored["due_at"] == world.clock.now()


async def test_a_subscription_that_is_over_tells_the_hub_so(world: World) -> None:
    answer = await world.push(callback(KEY, CHANNEL), upload())
    assert (answer.status_code, answer.json()["error_code"]) == (410, "SUBSCRIPTION_GONE")


async def test_news_that_could_not_be_acted_upon_count_as_new_when_they_come_again(world: World) -> None:
    with pytest.raises(ConnectionError):
        async with world.pushes.once("a", "b") as news:
            assert news == ["a", "b"]
            raise ConnectionError
    async with world.pushes.once("a") as news:
        assert news == ["a"]
    async with world.pushes.once("b", "a", "b") as news:
        assert news == ["b"]


async def test_without_a_key_no_address_is_anybodys_though_all_could_be_computed(world: World) -> None:
    nobodys = SecretStr("")
    await world.follows("ada")
    address = callback(nobodys, CHANNEL)
    await world.subscribed(callback=address.digest)
    assert await Subscriptions(world.db, nobodys).find(address.token) is None
    assert (await world.push(address, upload())).status_code == 410
