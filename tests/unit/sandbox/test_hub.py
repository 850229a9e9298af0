import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.data.uploads import LIGHTHOUSE
from tests.unit.sandbox.receiver import Receiver, receiving

TOPIC = f"https://www.youtube.com/feeds/videos.xml?channel_id={LIGHTHOUSE.id}"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


async def _ask(sandbox: SandboxClient, http: aiohttp.ClientSession, to: str, /, **more: str) -> int:
    form = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.callback": to, "hub.secret": "s3cret"}
    fields = form | {f"hub.{name}": value for name, value in more.items()}
    async with http.post(sandbox.environment["WEBSUB_HUB_URL"], data=fields) as response:
        return response.status


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110  another process's state, in effect
            await asyncio.sleep(0.01)


async def _subscribed(sandbox: SandboxClient, http: aiohttp.ClientSession, receiver: Receiver, **more: str) -> Receiver:
    assert await _ask(sandbox, http, receiver.url, **more) == 202

    async def known() -> bool:
        return bool(await sandbox.subscriptions())

    await _until(known)
    receiver.received.clear()
    return receiver


async def test_subscription_is_asked_back_for_and_has_a_lease_by_the_sandboxs_clock(
    sandbox: SandboxClient, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await sandbox.hub(lease_seconds=3_600)
    assert await _ask(sandbox, http, receiver.url, lease_seconds="864000") == 202

    async def known() -> bool:
        return bool(await sandbox.subscriptions())

    await _until(known)
    (verification,) = receiver.received
    assert verification.query["hub.mode"] == "subscribe"
    assert verification.query["hub.topic"] == TOPIC
    assert verification.query["hub.lease_seconds"] == "3600"
    (one,) = await sandbox.subscriptions()
    assert (one["topic"], one["callback"], one["secret"]) == (TOPIC, receiver.url, "s3cret")
    assert 0 < one["seconds_left"] <= 3_600
    await sandbox.advance(3_601)
    assert await sandbox.subscriptions() == []
    await sandbox.upload(LIGHTHOUSE.id)
    assert receiver.bodies == []


async def test_callback_that_does_not_echo_is_not_subscribed(
    sandbox: SandboxClient, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.echo = False

    async def answered() -> bool:
        return any(one["status"] for one in await sandbox.deliveries("verification"))

    assert await _ask(sandbox, http, receiver.url) == 202
    await _until(answered)
    assert await sandbox.subscriptions() == []


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
async def test_push_is_signed_over_its_body(
    sandbox: SandboxClient, http: aiohttp.ClientSession, receiver: Receiver, algorithm: str
) -> None:
    await _subscribed(sandbox, http, receiver)
    await sandbox.hub(algorithm=algorithm)
    video_id = await sandbox.upload("@lighthouseexample", title="Pushed")
    (push,) = receiver.received
    expected = hmac.new(b"s3cret", push.body, getattr(hashlib, algorithm)).hexdigest()
    assert push.headers["x-hub-signature"] == f"{algorithm}={expected}"
    assert push.headers["content-type"] == "application/atom+xml"
    assert f"<yt:videoId>{video_id}</yt:videoId>".encode() in push.body
    await sandbox.hub(forging=True)
    await sandbox.push_video(video_id)
    assert receiver.received[1].body == push.body
    assert receiver.received[1].headers["x-hub-signature"] != push.headers["x-hub-signature"]


async def test_news_are_uploads_edits_and_what_is_no_longer_there(
    sandbox: SandboxClient, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await _subscribed(sandbox, http, receiver)
    video_id = await sandbox.upload(LIGHTHOUSE.id)
    await sandbox.change_video(video_id, title="Once")
    await sandbox.change_video(video_id, title="Twice")
    await sandbox.change_video(video_id, views=7)
    await sandbox.change_video("sbxTidePool", title="Of another channel")
    await sandbox.upload(LIGHTHOUSE.id, privacy="unlisted")
    assert len(set(receiver.bodies)) == len(receiver.bodies) == 3  # each at a time of its own
    await sandbox.change_video(video_id, privacy="private")
    await sandbox.delete_video("sbxLight056")
    gone = [
        b'ref="yt:video:%s"' % one.encode() in body
        for one, body in zip((video_id, "sbxLight056"), receiver.bodies[3:], strict=True)
    ]
    assert gone == [True, True]
    (again,) = await sandbox.redeliver((await sandbox.deliveries("websub"))[0]["id"])
    assert receiver.bodies[-1] == receiver.bodies[0]
    assert again["status"] == 204


async def test_hub_may_drop_refuse_or_deny(
    sandbox: SandboxClient, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await _subscribed(sandbox, http, receiver)
    await sandbox.hub(dropping=True)
    await sandbox.upload(LIGHTHOUSE.id)
    assert receiver.received == []
    await sandbox.fault("hub", "unavailable", times=1)
    async with http.post(sandbox.environment["WEBSUB_HUB_URL"]) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "120")
    await sandbox.hub(denying=True)
    assert await _ask(sandbox, http, receiver.url) == 202

    async def forgotten() -> bool:
        return not await sandbox.subscriptions()

    await _until(forgotten)
    assert receiver.received[0].query["hub.mode"] == "denied"
    await sandbox.reset()
    await _subscribed(sandbox, http, receiver)


async def test_subscriber_that_is_gone_or_unsubscribes_is_told_no_more(
    sandbox: SandboxClient, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    async def forgotten() -> bool:
        return not await sandbox.subscriptions()

    await _subscribed(sandbox, http, receiver)
    receiver.status = 410
    await sandbox.upload(LIGHTHOUSE.id)
    assert await forgotten()
    receiver.status = 204
    await _subscribed(sandbox, http, receiver)
    assert await _ask(sandbox, http, receiver.url, mode="unsubscribe") == 202
    await _until(forgotten)


@pytest.mark.parametrize("field", [{"mode": "publish"}, {"topic": "https://example.com/"}, {"callback": "ftp://x"}])
async def test_wrong_request_is_refused(
    sandbox: SandboxClient, http: aiohttp.ClientSession, field: dict[str, str]
) -> None:
    assert await _ask(sandbox, http, "http://127.0.0.1:1/", **field) == 400


async def test_nobody_at_the_callback_is_status_0(sandbox: SandboxClient) -> None:
    await sandbox.webhooks("http://127.0.0.1:1/")
    (delivery,) = await sandbox.push_repository("load/1")
    assert delivery["status"] == 0


async def test_what_the_hub_cannot_do_is_refused(sandbox: SandboxClient) -> None:
    for behaviour in ({"algorithm": "md5"}, {"sleeping": True}):
        with pytest.raises(ValueError, match=r"sha1|no field"):
            await sandbox.hub(**behaviour)
