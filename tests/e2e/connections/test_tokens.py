"""Fresh tokens on a real MongoDB: when they are renewed, by whom, and what happens when that is refused."""

import asyncio
from datetime import timedelta

import httpx2
import pytest
from pydantic import SecretStr
from pymongo.errors import AutoReconnect

from integrations.connections.model import Grant
from integrations.connections.store import Connections, Held
from integrations.connections.tokens import FreshToken, Tokens
from integrations.provider import Account, Purpose
from kit.errors import (
    AccountUnavailableError,
    Outcome,
    ReauthRequiredError,
    UpstreamUnavailableError,
    outcome_of,
)
from kit.mongo import Database, Document
from records.leases import lease
from tests.e2e.connections.rig import ADA, HOUR, Clock, Issuer, connect_ada, oauth, tokens, vault

MINUTE = timedelta(minutes=1)


def text(token: FreshToken | None) -> str:
    assert token is not None
    return token.token.get_secret_value()


async def ada(of: Tokens) -> FreshToken | None:
    return await of.fresh("ada", "youtube")


async def stored(db: Database) -> Document:
    found = await db.connections.find_one({"_id": "ada/youtube"})
    assert found is not None
    return found


async def test_without_a_connection_there_is_no_token(connections: Connections, issuer: Issuer, clock: Clock) -> None:
    ours = tokens(connections, issuer, clock)
    assert await ada(ours) is None
    await connect_ada(connections, issuer)
    await connections.disconnect("ada", "youtube")
    assert await ada(ours) is None


async def test_a_young_token_is_used_as_it_is(connections: Connections, issuer: Issuer, clock: Clock) -> None:
    await connect_ada(connections, issuer, expires_at=clock() + HOUR)
    token = await ada(tokens(connections, issuer, clock))
    assert text(token) == "access-0"
    assert token is not None
    assert (token.account_id, token.scopes) == ("7", ("youtube",))
    assert issuer.refreshes == 0
    found = await connections.find("ada", "youtube")
    assert found is not None
    assert found.last_used_at == clock()


async def test_a_token_that_does_not_end_is_never_renewed(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    await connect_ada(connections, issuer)
    clock.pass_(1_000 * HOUR)
    assert text(await ada(tokens(connections, issuer, clock))) == "access-0"
    assert issuer.refreshes == 0


async def test_it_is_renewed_before_its_end(connections: Connections, issuer: Issuer, clock: Clock) -> None:
    await connect_ada(connections, issuer, expires_at=clock() + HOUR)
    clock.pass_(HOUR - 5 * MINUTE)
    ours = tokens(connections, issuer, clock)
    assert [text(await ada(ours)) for _ in range(3)] == ["access-1"] * 3
    clock.pass_(HOUR - 5 * MINUTE)
    assert text(await ada(ours)) == "access-2", "the rotated refresh token was kept"


async def test_two_processes_renew_once(connections: Connections, issuer: Issuer, clock: Clock) -> None:
    await connect_ada(connections, issuer, expires_at=clock())
    processes = [tokens(connections, issuer, clock) for _ in range(4)]
    got = await asyncio.gather(*(ada(process) for process in processes for _ in range(25)))
    assert {text(token) for token in got} == {"access-1"}
    assert issuer.refreshes == 1


async def test_a_dead_process_holds_nobody_up_longer_than_its_lease(
    connections: Connections, issuer: Issuer, clock: Clock, db: Database
) -> None:
    await connect_ada(connections, issuer, expires_at=clock())
    held_by_the_dead = lease(db, "refresh:ada/youtube", MINUTE, now=clock)
    await held_by_the_dead.__aenter__()
    waits = 0

    async def sleep(_seconds: float) -> None:
        nonlocal waits
        waits += 1
        clock.pass_(MINUTE / 4)

    ours = tokens(connections, issuer, clock, sleep)
    assert text(await ada(ours)) == "access-1"
    assert waits == 4


async def test_a_caller_that_leaves_does_not_stop_the_refresh(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    """A handler's time may run out while the provider has already invalidated the old refresh token."""
    await connect_ada(connections, issuer, expires_at=clock())
    issuer.answering.clear()
    ours = tokens(connections, issuer, clock)
    leaving, staying = asyncio.create_task(ada(ours)), asyncio.create_task(ada(ours))
    await issuer.asked.wait()
    leaving.cancel()
    issuer.answering.set()
    assert text(await staying) == "access-1"
    assert leaving.cancelled()


async def test_closing_waits_for_what_is_under_way(connections: Connections, issuer: Issuer, clock: Clock) -> None:
    await connect_ada(connections, issuer, expires_at=clock())
    ours = tokens(connections, issuer, clock)
    issuer.answering.clear()
    caller = asyncio.create_task(ada(ours))
    await issuer.asked.wait()
    caller.cancel()
    issuer.answering.set()
    await ours.aclose()
    held = await connections.held("ada", "youtube")
    assert held is not None
    assert held.grant is not None
    assert held.grant.access_token.get_secret_value() == "access-1"


class Unsteady(Connections):
    """MongoDB changes its primary while tokens are stored: twice before the write, once after it."""

    lost = 0

    async def replace(self, held: Held, grant: Grant) -> Held | None:
        self.lost += 1
        if self.lost <= 2:
            raise AutoReconnect("no primary")
        stored = await super().replace(held, grant)
        if self.lost == 3:
            raise AutoReconnect("the answer is lost")
        return stored


async def test_tokens_that_mongodb_cannot_take_at_once_are_not_lost(db: Database, issuer: Issuer, clock: Clock) -> None:
    connections = Unsteady(db, vault(), now=clock)
    await connect_ada(connections, issuer, expires_at=clock())
    assert text(await ada(tokens(connections, issuer, clock))) == "access-1"
    assert connections.lost == 4
    assert issuer.refreshes == 1
    assert issuer.revoked == []


# Refused for good


async def test_a_grant_that_is_refused_again_and_again_ends_the_calls_until_the_member_connects_again(
    connections: Connections, issuer: Issuer, clock: Clock, db: Database
) -> None:
    await connect_ada(connections, issuer, expires_at=clock())
    issuer.refresh_token = "revoked by the member"
    processes = [tokens(connections, issuer, clock) for _ in range(4)]

    async def asked() -> set[type[BaseException]]:
        got = await asyncio.gather(*(ada(it) for it in processes for _ in range(10)), return_exceptions=True)
        return {type(error) for error in got if isinstance(error, BaseException)}

    for after, refusals in [(0 * HOUR, 1), (HOUR / 20, 1), (HOUR / 20, 2), (HOUR / 2, 2)]:
        clock.pass_(after)
        assert await asked() == {AccountUnavailableError}
        assert issuer.refreshes == refusals, "all at the same time are one, and nobody asks in between"
        assert (await stored(db))["state"] == "connected"
        assert await db.notices.count_documents({}) == 0
    clock.pass_(HOUR / 2)
    for _ in range(3):
        assert await asked() == {ReauthRequiredError}
    assert issuer.refreshes == 3
    assert "access_token" not in await stored(db)
    assert await db.notices.count_documents({"user_id": "ada"}) == 1
    with pytest.raises(ReauthRequiredError) as caught:
        await ada(processes[0])
    error = caught.value
    assert outcome_of(error) is Outcome.DEFER
    assert (error.error_code, error.action) == ("AUTH_ERROR", "connect_youtube")
    assert error.waits_for == "connection:ada:youtube"
    await connect_ada(connections, issuer, expires_at=clock() + HOUR)
    assert text(await ada(processes[0])) == "access-0"
    assert not {"refusals", "refused_at", "use_after"} & (await stored(db)).keys()


async def test_a_token_that_has_ended_and_cannot_be_renewed_asks_for_consent_at_once(
    connections: Connections, issuer: Issuer, clock: Clock, db: Database
) -> None:
    await connections.save("ada", "youtube", ADA, Grant(SecretStr("access"), expires_at=clock()))
    with pytest.raises(ReauthRequiredError):
        await ada(tokens(connections, issuer, clock))
    assert issuer.refreshes == 0
    assert await db.notices.count_documents({"user_id": "ada"}) == 1


# Away


async def test_a_provider_that_is_away_does_not_end_a_token_that_still_lives(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    await connect_ada(connections, issuer, expires_at=clock() + HOUR)
    clock.pass_(HOUR - 5 * MINUTE)
    issuer.down = True
    ours = tokens(connections, issuer, clock)
    assert [text(await ada(ours)) for _ in range(3)] == ["access-0"] * 3
    assert issuer.refreshes == 1


async def test_a_provider_that_is_away_is_asked_less_and_less_often(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    await connect_ada(connections, issuer, expires_at=clock())
    issuer.down = True
    processes = [tokens(connections, issuer, clock) for _ in range(2)]
    waits = []
    for turn in range(1, 10):
        for process in processes:
            with pytest.raises(UpstreamUnavailableError) as caught:
                await ada(process)
        assert issuer.refreshes == turn
        assert caught.value.retry_at is not None
        waits.append((caught.value.retry_at - clock()).total_seconds())
        clock.time = caught.value.retry_at
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    issuer.down = False
    assert text(await ada(processes[0])) == "access-10"


# Refused at its use


async def test_a_token_that_is_refused_is_renewed_once_for_all(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    await connect_ada(connections, issuer, expires_at=clock() + HOUR)
    ours = tokens(connections, issuer, clock)
    used = await ada(ours)
    assert used is not None
    renewed = await asyncio.gather(*(ours.refused(used) for _ in range(20)))
    assert {text(token) for token in renewed} == {"access-1"}
    assert text(await ours.refused(used)) == "access-1"
    assert issuer.refreshes == 1


async def test_a_refused_token_is_not_handed_out_again_while_the_provider_is_away(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    await connect_ada(connections, issuer, expires_at=clock() + HOUR)
    ours = tokens(connections, issuer, clock)
    used = await ada(ours)
    assert used is not None
    issuer.down = True
    with pytest.raises(UpstreamUnavailableError):
        await ours.refused(used)


# Disconnected


async def test_disconnecting_revokes_and_erases(connections: Connections, issuer: Issuer, clock: Clock) -> None:
    await connect_ada(connections, issuer)
    ours = tokens(connections, issuer, clock)
    assert await ours.disconnect("ada", "youtube")
    assert not await ours.disconnect("ada", "youtube")
    assert issuer.revoked == ["refresh-0"]
    assert await ada(ours) is None


async def test_disconnecting_erases_also_where_the_provider_is_away(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    await connect_ada(connections, issuer)
    issuer.down = True
    assert await tokens(connections, issuer, clock).disconnect("ada", "youtube")
    held = await connections.held("ada", "youtube")
    assert held is not None
    assert held.grant is None


async def test_tokens_that_arrive_after_disconnecting_are_revoked(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    await connect_ada(connections, issuer, expires_at=clock())
    issuer.answering.clear()
    ours = tokens(connections, issuer, clock)
    caller = asyncio.create_task(ada(ours))
    await issuer.asked.wait()
    await connections.disconnect("ada", "youtube")
    issuer.answering.set()
    assert await caller is None
    assert issuer.revoked == ["refresh-1"]


async def test_a_refresh_that_ends_during_a_disconnection_leaves_no_live_tokens(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    """Whether it is stored before the tokens are erased or comes too late for that."""

    class Refreshed(Connections):
        """The new pair is stored at the last moment."""

        async def disconnect(self, user_id: str, provider: str) -> Held | None:
            await tokens(connections, issuer, clock).fresh(user_id, provider)
            return await super().disconnect(user_id, provider)

    await connect_ada(connections, issuer, expires_at=clock())
    racing = Refreshed(connections.db, vault(), now=clock)
    assert await tokens(racing, issuer, clock).disconnect("ada", "youtube")
    assert issuer.revoked == ["refresh-1"]


# Connected again


@pytest.mark.parametrize(("account", "revoked"), [(Account("8", "eve@tube"), ["refresh-0"]), (ADA, [])])
async def test_another_accounts_tokens_are_revoked_and_those_of_the_same_consent_are_not(
    connections: Connections, issuer: Issuer, clock: Clock, account: Account, revoked: list[str]
) -> None:
    """Google ends all that an account has allowed with one of its tokens."""
    await connect_ada(connections, issuer)
    providers = oauth(httpx2.MockTransport(issuer), clock)
    ours = Tokens(connections, providers)
    new = Grant(SecretStr("new"), SecretStr("refresh-new"))
    await ours.connect("ada", providers.providers["youtube"], account, new, Purpose.CONNECT)
    assert issuer.revoked == revoked
    assert text(await ada(ours)) == "new"


@pytest.mark.parametrize(("account", "revoked"), [(Account("8", "eve@tube"), ["refresh-1"]), (ADA, [])])
async def test_tokens_that_arrive_after_connecting_again_are_not_left_behind(
    connections: Connections, issuer: Issuer, clock: Clock, account: Account, revoked: list[str]
) -> None:
    await connect_ada(connections, issuer, expires_at=clock())
    issuer.answering.clear()
    caller = asyncio.create_task(ada(tokens(connections, issuer, clock)))
    await issuer.asked.wait()
    await connections.save("ada", "youtube", account, Grant(SecretStr("new")))
    issuer.answering.set()
    assert text(await caller) == "new"
    assert issuer.revoked == revoked


async def test_connecting_again_does_not_depend_on_revoking(
    connections: Connections, issuer: Issuer, clock: Clock
) -> None:
    await connect_ada(connections, issuer)
    issuer.down = True
    providers = oauth(httpx2.MockTransport(issuer), clock)
    ours = Tokens(connections, providers)
    other = Account("8", "eve@tube")
    await ours.connect("ada", providers.providers["youtube"], other, Grant(SecretStr("new")), Purpose.CONNECT)
    assert text(await ada(ours)) == "new"


# Sealed with a key that is gone


async def test_tokens_that_no_key_opens_ask_for_consent_until_the_key_is_back(
    connections: Connections, issuer: Issuer, clock: Clock, db: Database
) -> None:
    await connect_ada(connections, issuer, expires_at=clock() + HOUR)
    used = await ada(tokens(connections, issuer, clock))
    assert used is not None
    clock.pass_(HOUR)
    without_key = tokens(Connections(db, vault("other:" + "B" * 42 + "A"), now=clock), issuer, clock)
    with pytest.raises(ReauthRequiredError):
        await ada(without_key)
    with pytest.raises(ReauthRequiredError):
        await without_key.refused(used)
    assert text(await ada(tokens(connections, issuer, clock))) == "access-1"


async def test_tokens_that_no_key_opens_can_be_disconnected(
    connections: Connections, issuer: Issuer, clock: Clock, db: Database
) -> None:
    await connect_ada(connections, issuer)
    without_key = tokens(Connections(db, vault("other:" + "B" * 42 + "A"), now=clock), issuer, clock)
    assert await without_key.disconnect("ada", "youtube")
    assert issuer.revoked == []
    assert await ada(without_key) is None
