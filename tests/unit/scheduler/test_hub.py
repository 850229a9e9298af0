"""What a hub's answers mean."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs

import httpx2
import pytest

from services.scheduler.hub import Hub, HubBusyError, HubRefusedError

URL = "https://hub.test/subscribe"
PAUSE = timedelta(seconds=60)


def hub(answer: Callable[[httpx2.Request], httpx2.Response]) -> Hub:
    return Hub(httpx2.MockTransport(answer), URL, pause=PAUSE)


async def test_it_is_asked_by_a_form() -> None:
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.method, str(request.url), request.headers["content-type"], parse_qs(request.content)))
        return httpx2.Response(202)

    await hub(answer).ask({"hub.mode": "subscribe", "hub.topic": "https://feeds.test/?channel_id=UC&x=1"})
    form = {b"hub.mode": [b"subscribe"], b"hub.topic": [b"https://feeds.test/?channel_id=UC&x=1"]}
    assert asked == [("POST", URL, "application/x-www-form-urlencoded", form)]


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_any_success_is_one(status: int) -> None:
    await hub(lambda _: httpx2.Response(status)).ask({})


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (503, {"Retry-After": "120"}, timedelta(seconds=120)),
        (503, {}, PAUSE),
        (500, {"Retry-After": "soon"}, PAUSE),
        (429, {"Retry-After": "5"}, timedelta(seconds=5)),
        (503, {"Retry-After": "99999999"}, timedelta(hours=1)),
    ],
)
async def test_a_busy_hub_is_left_alone_for_as_long_as_it_asks(
    status: int, headers: dict[str, str], pause: timedelta
) -> None:
    with pytest.raises(HubBusyError) as busy:
        await hub(lambda _: httpx2.Response(status, headers=headers)).ask({})
    assert busy.value.pause == pause


@pytest.mark.parametrize("status", [301, 302, 400, 403, 404])
async def test_a_refusal_is_about_this_subscription_and_redirects_are_refusals(status: int) -> None:
    with pytest.raises(HubRefusedError):
        await hub(lambda _: httpx2.Response(status, headers={"Location": "https://evil.test/"})).ask({})


async def test_a_hub_that_is_away_is_busy() -> None:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route")

    with pytest.raises(HubBusyError) as busy:
        await hub(fail).ask({})
    assert busy.value.pause == PAUSE


async def test_a_hub_that_answers_without_end_is_busy() -> None:
    with pytest.raises(HubBusyError):
        await hub(lambda _: httpx2.Response(202, content=b"x" * 1_000_000)).ask({})
