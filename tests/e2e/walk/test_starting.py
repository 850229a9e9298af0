"""Who may begin a walk, from where, and how often."""

from ipaddress import ip_network

import httpx2
import pytest

from services.gateway.connections.service import Accounts
from services.gateway.web.provided import find
from tests.e2e.members.browser import HOME, browser
from tests.e2e.walk.conftest import CONNECTIONS, World
from tests.unit.gateway.support import FakeBroker, bearer, gateway_app, settings

START, SIGN_IN = f"{CONNECTIONS}/github/start/", "/auth/github/start/"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 302),
        ({"Sec-Fetch-Site": "none"}, 302),
        ({"Origin": HOME}, 302),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": HOME}, 403),
        ({}, 403),
    ],
)
async def test_in_a_session_a_walk_begins_at_our_own_pages_or_at_a_typed_address(
    world: World, headers: dict[str, str], status: int
) -> None:
    ada = await world.browser()
    del ada.headers["Sec-Fetch-Site"]
    answer = await ada.get(START, headers=headers)
    assert answer.status_code == status
    assert await world.db.walks.count_documents({}) == (status == 302)


async def test_a_bearers_walk_needs_no_page(world: World) -> None:
    api = await world.api()
    del api.headers["Sec-Fetch-Site"]
    assert (await api.get(START)).status_code == 302


async def test_an_address_begins_so_many_sign_ins_an_hour_whatever_it_says_it_is(world: World) -> None:
    accounts = find(world.app, Accounts)
    given = settings(public_url=HOME, limit_oauth_starts=3)
    app = gateway_app(given, world.db, FakeBroker().publish, accounts=accounts)
    answers = []
    for number in range(5):
        async with browser(app, **{"X-Forwarded-For": f"198.51.100.{number}"}) as anybody:
            answers.append(await anybody.get(SIGN_IN))
    assert [one.status_code for one in answers] == [302] * 3 + [429] * 2
    assert answers[-1].json()["error_code"] == "RATE_LIMIT"
    assert int(answers[-1].headers["retry-after"]) > 0
    assert await world.db.walks.count_documents({}) == 3
    elsewhere = httpx2.ASGITransport(app, client=("203.0.113.9", 1))
    async with httpx2.AsyncClient(transport=elsewhere, base_url=HOME) as other:
        assert (await other.get(SIGN_IN)).status_code == 302

    behind = gateway_app(
        given.model_copy(update={"trusted_proxies": (ip_network("127.0.0.1"),)}),
        world.db,
        FakeBroker().publish,
        accounts=accounts,
    )
    for number in range(5):
        async with browser(behind, **{"X-Forwarded-For": f"198.51.100.{number}"}) as anybody:
            assert (await anybody.get(SIGN_IN)).status_code == 302, "our proxy heard somebody else"

    members = [await world.stack.enter_async_context(browser(app, **bearer(name))) for name in ("ada", "bob")]
    connecting = [(await members[0].get(START)).status_code for _ in range(4)]
    assert connecting == [302] * 3 + [429]
    assert (await members[1].get(START)).status_code == 302
