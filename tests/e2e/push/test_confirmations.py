"""What a hub may confirm: what is pending, of the channel that was asked for, once."""

from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.push.conftest import ANOTHER, CHANNEL, TOPIC, World

ASKED: dict[str, Any] = {
    "hub.mode": "subscribe",
    "hub.topic": TOPIC + CHANNEL,
    "hub.challenge": "a challenge",
    "hub.lease_seconds": 432_000,
}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ASKED.items() if key != name}


async def test_a_pending_subscription_is_confirmed_and_renewed_before_its_lease_ends(world: World) -> None:
    address = await world.subscribed()
    answer = await world.client.get(f"/webhooks/websub/{address.token}/", params=ASKED)
    assert (answer.status_code, answer.text) == (200, "a challenge")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    stored = await world.db.subscriptions.find_one({"_id": CHANNEL})
    assert stored is not None
    assert (stored["state"], stored["asked"], stored["failures"]) == ("active", None, 0)
    lease = stored["lease_until"] - world.clock.now()
    assert lease == timedelta(days=5)
    assert lease * 0.7 <= stored["due_at"] - world.clock.now() <= lease * 0.9


@pytest.mark.parametrize(
    "asked",
    [
        without("hub.mode"),
        without("hub.topic"),
        without("hub.challenge"),
        ASKED | {"hub.mode": "unsubscribe"},
        ASKED | {"hub.mode": "publish"},
        ASKED | {"hub.topic": TOPIC + ANOTHER},
        ASKED | {"hub.topic": f"{TOPIC}{CHANNEL}&channel_id={ANOTHER}"},
        ASKED | {"hub.topic": f"{TOPIC}{CHANNEL}x"},
        ASKED | {"hub.topic": CHANNEL},
        ASKED | {"hub.topic": "http://[::1"},
    ],
)
async def test_what_was_not_asked_for_is_not_confirmed(world: World, asked: dict[str, Any]) -> None:
    address = await world.subscribed()
    before = await world.db.subscriptions.find_one()
    answer = await world.client.get(f"/webhooks/websub/{address.token}/", params=asked)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")
    assert await world.db.subscriptions.find_one() == before


async def test_nobody_ends_a_subscription_that_is_wanted_or_revives_one_that_is_not(world: World) -> None:
    kept = await world.subscribed(asked=None, state="active")
    ending = await world.subscribed(ANOTHER, asked="unsubscribe", state="active")
    for address, channel, mode in ((kept, CHANNEL, "unsubscribe"), (ending, ANOTHER, "subscribe")):
        asked = ASKED | {"hub.mode": mode, "hub.topic": TOPIC + channel}
        answer = await world.client.get(f"/webhooks/websub/{address.token}/", params=asked)
        assert answer.status_code == 404
    assert await world.db.subscriptions.count_documents({}) == 2


@pytest.mark.parametrize("token", ["x", "x" * 43, "é" * 43, "A" * 5_000, "%00"])
async def test_an_address_that_was_not_given_out_knows_nothing(world: World, token: str) -> None:
    await world.subscribed()
    assert (await world.client.get(f"/webhooks/websub/{token}/", params=ASKED)).status_code == 404
    assert (await world.client.post(f"/webhooks/websub/{token}/", content=b"<feed/>")).status_code == 410


async def test_a_confirmation_is_not_given_twice(world: World) -> None:
    address = await world.subscribed()
    statuses = [(await world.client.get(f"/webhooks/websub/{address.token}/", params=ASKED)).status_code for _ in "12"]
    assert statuses == [200, 404]


async def test_an_end_that_was_asked_for_is_confirmed(world: World) -> None:
    address = await world.subscribed(asked="unsubscribe", state="active")
    asked = ASKED | {"hub.mode": "unsubscribe"}
    answer = await world.client.get(f"/webhooks/websub/{address.token}/", params=asked)
    assert (answer.status_code, answer.text) == (200, "a challenge")
    assert await world.db.subscriptions.count_documents({}) == 0


@pytest.mark.parametrize("asked", [None, "subscribe"])
async def test_a_hub_may_deny_at_any_time_and_is_asked_again_in_a_day(world: World, asked: str | None) -> None:
    address = await world.subscribed(asked=asked)
    denied = {"hub.mode": "denied", "hub.topic": TOPIC + CHANNEL, "hub.reason": "no"}
    assert (await world.client.get(f"/webhooks/websub/{address.token}/", params=denied)).status_code == 204
    stored = await world.db.subscriptions.find_one({"_id": CHANNEL})
    assert stored is not None
    assert (stored["state"], stored["asked"], stored["lease_until"]) == ("denied", None, None)
    assert stored["due_at"] == world.clock.now() + timedelta(days=1)


@pytest.mark.parametrize(
    ("seconds", "granted"),
    [
        (None, timedelta(days=1)),
        ("", timedelta(days=1)),
        ("-5", timedelta(days=1)),
        ("1e9", timedelta(days=1)),
        ("٣", timedelta(days=1)),
        ("0", timedelta(minutes=5)),
        ("864000", timedelta(days=10)),
        ("99999999999999999999", timedelta(days=30)),
    ],
)
async def test_a_lease_is_what_the_hub_grants_within_reason(
    world: World, seconds: str | None, granted: timedelta
) -> None:
    address = await world.subscribed()
    asked = without("hub.lease_seconds") | ({} if seconds is None else {"hub.lease_seconds": seconds})
    assert (await world.client.get(f"/webhooks/websub/{address.token}/", params=asked)).status_code == 200
    stored = await world.db.subscriptions.find_one({"_id": CHANNEL})
    assert stored is not None
    assert stored["lease_until"] - world.clock.now() == granted
