"""Which credential a fetch goes out with."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
from pydantic import SecretStr

from integrations.base import Ref, SyncResult, SyncState
from integrations.connections.model import Connection, ConnectionState, waits_for
from integrations.connections.tokens import FreshToken
from integrations.credentials import Credentials
from integrations.registry import AnyIntegration, Recognised
from kit.errors import (
    AccountUnavailableError,
    BudgetSpentError,
    ContentBlockedError,
    ContentNotFoundError,
    CredentialRefusedError,
    ImportProblem,
    IntegrationAuthError,
    ReauthRequiredError,
    TokenRefusedError,
    UpstreamUnavailableError,
)
from kit.upstream import Upstream
from schemas.content import Item
from schemas.events import SyncRequested
from services.fetcher.job import SyncJob
from services.fetcher.reader import CredentialedReader
from services.fetcher.response_cache import PUBLIC as EVERYBODY
from services.fetcher.response_cache import ResponseCache

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PRIVATE = "https://github.com/mira/private"
PUBLIC = "https://github.com/mira/public"
CONNECTED = ConnectionState.CONNECTED


class FakeGitHub:
    """Shows the private repository to whoever brings a token that is still good."""

    name, title, needed_scopes = "github", "GitHub", frozenset[str]()

    def __init__(self, *good: str) -> None:
        self.good = good
        self.asked: list[Credentials] = []

    async def fetch(self, ref: Ref, http: Upstream, credentials: Credentials) -> Item:
        self.asked.append(credentials)
        token = credentials.token.get_secret_value() if credentials.token else ""
        if token and token not in self.good:
            raise TokenRefusedError("GitHub refused our credentials.", action="connect_github")
        if ref.url == PRIVATE and not token:
            raise ContentNotFoundError("GitHub has no such repository, or it is private.")
        facts = {"integration": "github", "external_id": "1", "kind": "github_repo", "title": "x", "full_name": "m/x"}
        return Item.model_validate({**facts, "url": ref.url, "is_private": ref.url == PRIVATE})

    async def sync(
        self, ref: Ref, http: Upstream, credentials: Credentials, state: SyncState, max_items: int
    ) -> SyncResult:
        return SyncResult(items=(await self.fetch(ref, http, credentials),))


def found(integration: FakeGitHub, url: str) -> Recognised:
    return Recognised(cast(AnyIntegration, integration), Ref(url, "m/x"))


class FakeTokens:
    def __init__(
        self,
        token: str | None = None,
        *,
        newer: str | None = None,
        held: bool = False,
        scopes: tuple[str, ...] = (),
    ) -> None:
        self.token, self.newer, self.held, self.scopes = token, newer, held, scopes
        self.accounts: list[str] = []  # what became of those that were tried

    async def fresh(self, user_id: str, provider: str) -> FreshToken | None:
        if self.held:
            raise ReauthRequiredError("GitHub", provider, waits_for(user_id, provider))
        return of(self.token, *self.scopes)

    async def refused(self, used: FreshToken) -> FreshToken | None:
        return of(self.newer)

    async def refused_again(self, used: FreshToken) -> ImportProblem:
        self.accounts.append("refused again")
        return AccountUnavailableError("GitHub refuses access with your account at the moment.")

    async def accepted(self, used: FreshToken) -> None:
        self.accounts.append("accepted")


class FakeConnections:
    def __init__(self, state: ConnectionState | None = None) -> None:
        self.state = state

    async def find(self, user_id: str, provider: str) -> Connection | None:
        now = datetime.now(UTC)
        return Connection(user_id, provider, "7", "mira", (), self.state, now) if self.state else None


class FakeHttp:
    def now(self) -> datetime:
        return NOW


@dataclass
class FakeSnapshots:
    """Remembers nothing but who has asked."""

    audiences: list[str] = field(default_factory=list)
    http: FakeHttp = field(default_factory=FakeHttp)
    seen_at: datetime = NOW

    def view(self, audience: str, spent: Counter[str], not_before: datetime | None = None) -> "FakeSnapshots":
        assert (not_before is not None) == (audience == EVERYBODY)  # a member's own is always asked for
        self.audiences.append(audience)
        return self


def of(token: str | None, *scopes: str) -> FreshToken | None:
    return FreshToken(SecretStr(token), "ada", "github", "account 7", scopes, 1) if token else None


def access(tokens: FakeTokens, snapshots: FakeSnapshots, **connections: Any) -> CredentialedReader:
    http = cast(Upstream, FakeHttp())
    return CredentialedReader(tokens, FakeConnections(**connections), http, cast(ResponseCache, snapshots))


async def fetch(github: FakeGitHub, url: str, tokens: FakeTokens, **connections: Any) -> Item:
    it = access(tokens, FakeSnapshots(), **connections)
    return await it.fetch(found(github, url), "ada", interactive=False)


async def sync(
    github: FakeGitHub,
    url: str,
    tokens: FakeTokens,
    *,
    snapshots: FakeSnapshots | None = None,
    connection: str | None = None,
    **connections: Any,
) -> SyncResult:
    it = access(tokens, snapshots or FakeSnapshots(), **connections)
    event = SyncRequested(
        id=UUID(int=1), import_id=UUID(int=1), user_id="ada", url=url, source_id=UUID(int=2), due_at=NOW
    )
    wanted = SyncJob(event, {"cursor": {}, "connection": connection}, {}, NOW, not_before=NOW)
    return await it.sync(found(github, url), wanted, Counter())


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


async def test_a_second_refusal_puts_the_account_in_doubt_and_what_is_private_waits() -> None:
    github, tokens = FakeGitHub(), FakeTokens("old", newer="refused too")
    with pytest.raises(AccountUnavailableError):
        await fetch(github, PRIVATE, tokens)
    assert tokens.accounts == ["refused again"]
    assert (await fetch(github, PUBLIC, tokens)).url == PUBLIC, "what everybody sees does not wait"


async def test_an_account_that_is_disconnected_meanwhile_is_to_be_connected() -> None:
    with pytest.raises(IntegrationAuthError) as raised:
        await fetch(FakeGitHub(), PRIVATE, FakeTokens("old", newer=None))
    assert raised.value.action == "connect_github"


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


class Choosy(FakeGitHub):
    needed_scopes = frozenset({"read"})


async def test_a_token_without_the_scope_that_it_takes_is_not_used() -> None:
    github = Choosy("good")
    assert (await fetch(github, PUBLIC, FakeTokens("good"))).url == PUBLIC
    assert [it.token for it in github.asked] == [None]
    assert (await fetch(github, PRIVATE, FakeTokens("good", scopes=("read", "more")))).url == PRIVATE


async def test_what_the_public_does_not_see_names_the_scope_that_was_not_granted() -> None:
    with pytest.raises(IntegrationAuthError) as raised:
        await fetch(Choosy("good"), PRIVATE, FakeTokens("good"), state=CONNECTED)
    assert "permission" in raised.value.error
    assert raised.value.action == "connect_github"


# Looks at what is followed


async def test_a_sync_is_the_publics_although_the_member_is_connected() -> None:
    github, snapshots = FakeGitHub("good"), FakeSnapshots()
    result = await sync(github, PUBLIC, FakeTokens("good"), snapshots=snapshots, state=CONNECTED)
    assert ([it.token for it in github.asked], snapshots.audiences) == ([None], [EVERYBODY])
    assert (result.connection, result.read_at) == (None, NOW)


async def test_what_the_public_does_not_see_is_synced_with_the_members_account() -> None:
    github, snapshots = FakeGitHub("good"), FakeSnapshots()
    result = await sync(github, PRIVATE, FakeTokens("good"), snapshots=snapshots, state=CONNECTED)
    assert snapshots.audiences == [EVERYBODY, "ada github account 7"]
    assert (result.connection, result.items[0].url) == ("github", PRIVATE)


async def test_what_took_the_members_account_last_time_is_synced_with_it_at_once() -> None:
    github = FakeGitHub("good")
    await sync(github, PRIVATE, FakeTokens("good"), connection="github", state=CONNECTED)
    assert [it.account for it in github.asked] == ["account 7"]


async def test_what_nobody_sees_is_not_found_after_one_request_without_a_connection() -> None:
    github = FakeGitHub()
    with pytest.raises(ContentNotFoundError):
        await sync(github, PRIVATE, FakeTokens())
    assert len(github.asked) == 1


async def test_a_private_source_names_the_lost_account() -> None:
    with pytest.raises(ReauthRequiredError):
        await sync(FakeGitHub(), PRIVATE, FakeTokens(held=True), state=ConnectionState.NEEDS_REAUTH)
    with pytest.raises(IntegrationAuthError):
        await sync(FakeGitHub(), PRIVATE, FakeTokens(), state=ConnectionState.DISCONNECTED)


async def test_that_our_own_credential_is_refused_is_no_matter_of_the_members() -> None:
    class Refusing(FakeGitHub):
        async def fetch(self, ref: Ref, http: Upstream, credentials: Credentials) -> Item:
            raise TokenRefusedError("GitHub refused our credentials.")

    with pytest.raises(UpstreamUnavailableError):
        await sync(Refusing(), PUBLIC, FakeTokens())


# A member with an account is never worse off than one without


class Guarded(FakeGitHub):
    """Refuses accounts, and shows the public what is public."""

    def __init__(self, problem: ImportProblem, own: ImportProblem | None = None) -> None:
        super().__init__("good")
        self.problem, self.own = problem, own

    async def fetch(self, ref: Ref, http: Upstream, credentials: Credentials) -> Item:
        self.asked.append(credentials)
        if credentials.token is not None:
            raise self.problem
        if self.own is not None:
            raise self.own
        self.asked.pop()
        return await super().fetch(ref, http, credentials)


SSO = IntegrationAuthError("The organisation asks for single sign-on.", action="connect_github")
HIDDEN = ContentNotFoundError("GitHub has no such repository, or it is private.", suggestion="Check the account.")
LIMITED = BudgetSpentError("GitHub's limit resets at 13:00 UTC.", retry_at=NOW)
DOWN = UpstreamUnavailableError("GitHub is not available at the moment.")
OURS = CredentialRefusedError("GitHub refuses access at the moment.")
IN_DOUBT = AccountUnavailableError("GitHub refuses access with your account at the moment.")


@pytest.mark.parametrize("problem", [SSO, HIDDEN, LIMITED, OURS, IN_DOUBT])
async def test_what_everybody_sees_is_read_without_an_account_that_is_not_let_in(problem: ImportProblem) -> None:
    github = Guarded(problem)
    assert (await fetch(github, PUBLIC, FakeTokens("good"))).url == PUBLIC
    assert [it.token is not None for it in github.asked] == [True, False]
    reader = Guarded(problem)
    assert (await sync(reader, PUBLIC, FakeTokens("good"), connection="github", state=CONNECTED)).connection is None


@pytest.mark.parametrize("problem", [SSO, HIDDEN, LIMITED, OURS, IN_DOUBT])
async def test_what_the_public_does_not_see_is_told_as_the_account_was_told(problem: ImportProblem) -> None:
    with pytest.raises(type(problem)) as raised:
        await fetch(Guarded(problem), PRIVATE, FakeTokens("good"))
    assert raised.value is problem


async def test_tokens_that_cannot_be_had_now_hold_up_nothing_that_everybody_sees() -> None:
    class Unavailable(FakeTokens):
        async def fresh(self, user_id: str, provider: str) -> FreshToken | None:
            raise IN_DOUBT

    assert (await fetch(FakeGitHub(), PUBLIC, Unavailable())).url == PUBLIC
    with pytest.raises(AccountUnavailableError):
        await fetch(FakeGitHub(), PRIVATE, Unavailable())


async def test_an_upstream_that_is_down_is_not_asked_twice() -> None:
    github = Guarded(DOWN)
    with pytest.raises(UpstreamUnavailableError):
        await fetch(github, PUBLIC, FakeTokens("good"))
    assert len(github.asked) == 1


async def test_what_is_blocked_is_no_matter_of_accounts() -> None:
    blocked = ContentBlockedError("GitHub has blocked this repository.")
    github = Guarded(blocked)
    with pytest.raises(ContentBlockedError):
        await fetch(github, PUBLIC, FakeTokens("good"))
    assert len(github.asked) == 1
    public = Guarded(SSO, own=blocked)
    with pytest.raises(ContentBlockedError):
        await sync(public, PUBLIC, FakeTokens("good"), state=CONNECTED)
    assert len(public.asked) == 1
    with pytest.raises(ContentBlockedError):
        await fetch(public, PUBLIC, FakeTokens("good"))


@pytest.mark.parametrize("own", [OURS, LIMITED, DOWN])
@pytest.mark.parametrize("tokens", [FakeTokens("good"), FakeTokens(held=True)])
async def test_nobody_is_told_to_connect_while_the_public_cannot_be_asked(
    tokens: FakeTokens, own: ImportProblem
) -> None:
    with pytest.raises(type(own)):
        await fetch(Guarded(SSO, own=own), PUBLIC, tokens)


async def test_a_sync_goes_on_with_the_members_account_while_our_own_credential_is_refused() -> None:
    class Ours(FakeGitHub):
        async def fetch(self, ref: Ref, http: Upstream, credentials: Credentials) -> Item:
            if credentials.token is None:
                self.asked.append(credentials)
                raise OURS
            return await super().fetch(ref, http, credentials)

    github = Ours("good")
    result = await sync(github, PUBLIC, FakeTokens("good"), state=CONNECTED)
    assert (result.items[0].url, result.connection) == (PUBLIC, None)
    with pytest.raises(CredentialRefusedError):
        await sync(Ours(), PUBLIC, FakeTokens())


async def test_what_neither_sees_costs_one_question_each() -> None:
    github = Guarded(HIDDEN)
    with pytest.raises(ContentNotFoundError):
        await sync(github, PRIVATE, FakeTokens("good"), state=CONNECTED)
    assert [it.token is not None for it in github.asked] == [False, True]


async def test_an_account_that_is_let_in_is_trusted_again_whatever_it_may_see() -> None:
    tokens = FakeTokens("good")
    await fetch(FakeGitHub("good"), PUBLIC, tokens)
    with pytest.raises(ContentNotFoundError):
        await fetch(Guarded(HIDDEN), PRIVATE, tokens)
    assert tokens.accounts == ["accepted", "accepted"]
