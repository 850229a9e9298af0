"""Tokens that are refused at their use, on a real MongoDB: once is not for good, and the provider may be asked."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx2
import pytest
from pydantic import SecretStr

from integrations.connections.model import Grant
from integrations.connections.oauth import OAuth
from integrations.connections.providers import build_providers
from integrations.connections.settings import ConnectionSettings
from integrations.connections.store import Connections
from integrations.connections.tokens import PAUSE, FreshToken, Tokens
from integrations.provider import Account
from kit.errors import AccountUnavailableError, ReauthRequiredError
from kit.mongo import Database, Document
from tests.e2e.connections.rig import HOUR, Clock, Issuer, connect_ada, tokens

MIRA = Account("11", "mira")


@dataclass
class GitHub:
    """Tells what it thinks of a token. `verdict` is the status."""

    verdict: int = 404
    asked: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return httpx2.Response(self.verdict, json={})


@pytest.fixture
def github() -> GitHub:
    return GitHub()


def of_github(
    connections: Connections, github: GitHub, clock: Clock, sleep: Callable[[float], Awaitable[object]] | None = None
) -> Tokens:
    given = ConnectionSettings(github_client_id="id", github_client_secret=SecretStr("secret"))
    oauth = OAuth(build_providers(given), httpx2.MockTransport(github), now=clock)

    async def at_once(_seconds: float) -> None:
        pass

    return Tokens(connections, oauth, refused_for=HOUR, sleep=sleep or at_once)


async def connect_mira(connections: Connections) -> None:
    """A token without an end, and nothing to renew it with."""
    await connections.save("mira", "github", MIRA, Grant(SecretStr("gho_forever"), scopes=("repo",)))


async def stored(db: Database, one: str = "mira/github") -> Document:
    found = await db.connections.find_one({"_id": one})
    assert found is not None
    return found


async def used(ours: Tokens) -> FreshToken:
    token = await ours.fresh("mira", "github")
    assert token is not None
    return token


async def refused_twice(ours: Tokens) -> type[BaseException]:
    again = await ours.refused(await used(ours))
    assert again is not None
    return type(await ours.refused_again(again))


async def test_a_token_that_was_refused_once_is_tried_again_after_a_pause(
    connections: Connections, github: GitHub, clock: Clock, db: Database
) -> None:
    await connect_mira(connections)
    before, slept = await stored(db), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    ours = of_github(connections, github, clock, sleep)
    token = await used(ours)
    again = await ours.refused(token)
    assert again == token
    assert slept == [PAUSE]
    await ours.accepted(again)
    assert await stored(db) | {"last_used_at": None} == before | {"last_used_at": None}
    assert await db.notices.count_documents({}) == 0
    assert github.asked == []


async def test_a_token_that_github_calls_good_stays_however_often_it_is_refused(
    connections: Connections, github: GitHub, clock: Clock, db: Database
) -> None:
    await connect_mira(connections)
    github.verdict = 200
    ours = of_github(connections, github, clock)
    for _ in range(5):
        assert await refused_twice(ours) is AccountUnavailableError
        clock.pass_(HOUR)
    found = await stored(db)
    assert (found["state"], "refusals" in found) == ("connected", False)
    request = github.asked[0]
    assert (request.method, request.url.path) == ("POST", "/applications/id/token")
    assert request.headers["authorization"] == f"Basic {base64.b64encode(b'id:secret').decode()}"
    assert json.loads(request.content) == {"access_token": "gho_forever"}


@pytest.mark.parametrize("verdict", [404, 422, 401, 403, 429, 503])
async def test_a_token_is_erased_only_after_refusals_over_time_and_the_member_told_once(
    connections: Connections, github: GitHub, clock: Clock, db: Database, verdict: int
) -> None:
    await connect_mira(connections)
    github.verdict = verdict
    ours = of_github(connections, github, clock)
    assert await refused_twice(ours) is AccountUnavailableError
    with pytest.raises(AccountUnavailableError) as caught:
        await ours.fresh("mira", "github")
    assert caught.value.retry_at == clock() + HOUR / 10
    clock.pass_(HOUR / 10)
    assert (await used(ours)).doubted
    assert await refused_twice(ours) is AccountUnavailableError
    found = await stored(db)
    assert (found["state"], found["refusals"], "access_token" in found) == ("connected", 2, True)
    assert await db.notices.count_documents({}) == 0
    clock.pass_(HOUR)
    assert await refused_twice(ours) is ReauthRequiredError
    found = await stored(db)
    assert (found["state"], "access_token" in found, "refusals" in found) == ("needs_reauth", False, False)
    with pytest.raises(ReauthRequiredError):
        await ours.fresh("mira", "github")
    assert [it["action"] async for it in db.notices.find()] == ["connect_github"]


async def test_refusals_that_an_answer_comes_between_are_not_in_a_row(
    connections: Connections, github: GitHub, clock: Clock, db: Database
) -> None:
    await connect_mira(connections)
    ours = of_github(connections, github, clock)
    for _ in range(5):
        assert await refused_twice(ours) is AccountUnavailableError
        clock.pass_(HOUR)
        await ours.accepted(await used(ours))
    found = await stored(db)
    assert (found["state"], "refusals" in found, "use_after" in found) == ("connected", False, False)


async def test_all_that_are_refused_at_the_same_time_are_one_refusal(
    connections: Connections, github: GitHub, clock: Clock, db: Database
) -> None:
    await connect_mira(connections)
    processes = [of_github(connections, github, clock) for _ in range(4)]
    held = [await used(ours) for ours in processes for _ in range(10)]
    told = await asyncio.gather(*(processes[0].refused_again(token) for token in held))
    assert {type(problem) for problem in told} == {AccountUnavailableError}
    assert (await stored(db))["refusals"] == 1


async def test_a_member_who_connects_again_meanwhile_is_not_told(
    connections: Connections, github: GitHub, clock: Clock, db: Database
) -> None:
    await connect_mira(connections)
    ours = of_github(connections, github, clock)
    token = await used(ours)
    await connect_mira(connections)
    assert type(await ours.refused_again(token)) is AccountUnavailableError
    assert "refusals" not in await stored(db)


async def test_a_token_that_is_renewed_and_refused_all_the_same_is_in_doubt_too(
    connections: Connections, issuer: Issuer, clock: Clock, db: Database
) -> None:
    issuer.expires_in = 1_000_000
    await connect_ada(connections, issuer, expires_at=clock() + 100 * HOUR)
    ours = tokens(connections, issuer, clock)
    ends: list[type[BaseException]] = []
    for _ in range(3):
        token = await ours.fresh("ada", "youtube")
        assert token is not None
        again = await ours.refused(token)
        assert again is not None
        ends.append(type(await ours.refused_again(again)))
        clock.pass_(HOUR)
    assert ends == [AccountUnavailableError, AccountUnavailableError, ReauthRequiredError]
    assert issuer.refreshes == 3
    assert await db.notices.count_documents({}) == 1
