"""Which credential a fetch goes out with."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from pydantic import SecretStr

from integrations.base import Credentials, Integration
from integrations.connections.model import Connection, ConnectionState, waits_for
from integrations.connections.tokens import FreshToken
from kit.errors import ContentNotFoundError, IntegrationAuthError, ReauthRequiredError, TokenRefusedError
from kit.http import Upstream
from schemas.content import Item
from services.fetcher.access import Access

PRIVATE = "https://github.com/mira/private"
PUBLIC = "https://github.com/mira/public"


class FakeGitHub:
    """Shows the private repository to whoever brings a token that is still good."""

    name, title = "github", "GitHub"

    def __init__(self, *good: str) -> None:
        self.good = good
        self.asked: list[Credentials] = []

    async def fetch(self, url: str, http: Upstream, credentials: Credentials) -> Item:
        self.asked.append(credentials)
        token = credentials.token.get_secret_value() if credentials.token else ""
        if token and token not in self.good:
            raise TokenRefusedError("GitHub refused our credentials.", action="connect_github")
        if url == PRIVATE and not token:
            raise ContentNotFoundError("GitHub has no such repository, or it is private.")
        return Item(integration="github", external_id="1", url=url, kind="github_repo", title="x", full_name="m/x")


class FakeTokens:
    def __init__(self, token: str | None = None, *, newer: str | None = None, held: bool = False) -> None:
        self.token, self.newer, self.held = token, newer, held

    async def fresh(self, user_id: str, provider: str) -> FreshToken | None:
        if self.held:
            raise ReauthRequiredError("GitHub", provider, waits_for(user_id, provider))
        return of(self.token)

    async def refused(self, used: FreshToken) -> FreshToken | None:
        return of(self.newer)


class FakeConnections:
    def __init__(self, state: ConnectionState | None = None) -> None:
        self.state = state

    async def find(self, user_id: str, provider: str) -> Connection | None:
        now = datetime.now(UTC)
        return Connection(user_id, provider, "7", "mira", (), self.state, now) if self.state else None


def of(token: str | None) -> FreshToken | None:
    return FreshToken(SecretStr(token), "ada", "github", "account 7", (), 1) if token else None


async def fetch(github: FakeGitHub, url: str, tokens: FakeTokens, **connections: Any) -> Item:
    access = Access(tokens, FakeConnections(**connections), cast(Upstream, None))
    return await access.fetch(cast(Integration, github), url, "ada", interactive=False)


async def test_a_connected_member_reads_with_their_own_token_and_spends_their_own_allowance() -> None:
    github = FakeGitHub("good")
    assert (await fetch(github, PRIVATE, FakeTokens("good"))).url == PRIVATE
    assert github.asked == [Credentials(SecretStr("good"), "account 7", "ada", interactive=False)]


async def test_without_a_connection_the_application_reads_for_the_member() -> None:
    github = FakeGitHub()
    await fetch(github, PUBLIC, FakeTokens())
    assert github.asked == [Credentials(None, "", "ada", interactive=False)]


async def test_a_token_that_is_refused_before_its_time_is_renewed_and_tried_once_more() -> None:
    github = FakeGitHub("newer")
    assert (await fetch(github, PRIVATE, FakeTokens("old", newer="newer"))).url == PRIVATE
    assert len(github.asked) == 2


@pytest.mark.parametrize("newer", ["refused too", None])
async def test_a_second_refusal_is_told(newer: str | None) -> None:
    github = FakeGitHub()
    with pytest.raises(TokenRefusedError):
        await fetch(github, PRIVATE, FakeTokens("old", newer=newer))


async def test_what_only_the_member_may_see_waits_for_their_consent() -> None:
    with pytest.raises(ReauthRequiredError) as raised:
        await fetch(FakeGitHub(), PRIVATE, FakeTokens(held=True))
    assert raised.value.waits_for == waits_for("ada", "github")


async def test_what_everybody_may_see_does_not_wait_for_a_consent() -> None:
    assert (await fetch(FakeGitHub(), PUBLIC, FakeTokens(held=True))).url == PUBLIC


async def test_a_private_repository_after_disconnecting_asks_for_the_connection() -> None:
    with pytest.raises(IntegrationAuthError) as raised:
        await fetch(FakeGitHub(), PRIVATE, FakeTokens(), state=ConnectionState.DISCONNECTED)
    assert (raised.value.error_code, raised.value.action) == ("AUTH_ERROR", "connect_github")


async def test_a_repository_that_is_not_there_is_not_found_by_a_member_who_never_connected() -> None:
    with pytest.raises(ContentNotFoundError):
        await fetch(FakeGitHub(), PRIVATE, FakeTokens())
