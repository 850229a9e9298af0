"""Reading an upstream for a member: with the account that they connected, and as the public does where that does not
let us in. So nobody is worse off for having connected an account.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from integrations import own_credentials
from integrations.connections.model import Connection, ConnectionState
from integrations.connections.tokens import FreshToken
from integrations.credentials import Credentials
from kit.errors import (
    AccountUnavailableError,
    ContentBlockedError,
    ContentNotFoundError,
    CredentialRefusedError,
    ImportProblem,
    IntegrationAuthError,
    Outcome,
    RateLimitError,
    ReauthRequiredError,
    TokenRefusedError,
)

T = TypeVar("T")
See = Callable[[Credentials], Awaitable[T]]

HIDDEN = (ContentNotFoundError, IntegrationAuthError)
# What is a matter of the account, or may be: the public is asked as well. An upstream that is down is down for all.
OF_THE_ACCOUNT = (*HIDDEN, ReauthRequiredError, AccountUnavailableError, CredentialRefusedError, RateLimitError)


class Readable(Protocol):
    """What is asked of an integration (`integrations.base`)."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def needed_scopes(self) -> frozenset[str]: ...


class Tokens(Protocol):
    async def fresh(self, user_id: str, provider: str) -> FreshToken | None: ...
    async def refused(self, used: FreshToken) -> FreshToken | None: ...
    async def refused_again(self, used: FreshToken) -> ImportProblem: ...
    async def accepted(self, used: FreshToken) -> None: ...


class Connections(Protocol):
    async def find(self, user_id: str, provider: str) -> Connection | None: ...


class AsMember:
    def __init__(self, tokens: Tokens, connections: Connections) -> None:
        self._tokens = tokens
        self._connections = connections

    async def read(
        self,
        upstream: Readable,
        user_id: str,
        see: See[T],
        *,
        interactive: bool = True,
        as_public: ImportProblem | None = None,
    ) -> T:
        """What `see` returns, with the member's account first. `as_public` is what the public was told already.

        What the public does not see waits for the member where their account has to be connected again, waits for a
        while where it cannot be used now, and fails where it is not connected any more, or does not let us in: that is
        told then, and not that the public sees nothing. Raises the errors of `kit.errors`.
        """

        async def public() -> T:
            if as_public is not None:
                raise as_public
            return await seen_by_all(upstream, see, Credentials(user_id=user_id, interactive=interactive))

        token = None
        try:
            token = await self._tokens.fresh(user_id, upstream.name)
            if token is not None:
                if not upstream.needed_scopes <= set(token.scopes):
                    raise _lacks_scope(upstream)
                return await self._with(upstream, token, see, interactive=interactive)
        except ContentBlockedError:
            raise
        except OF_THE_ACCOUNT as problem:
            return await _or_as_public(public, problem)
        try:
            return await public()
        except HIDDEN as hidden:
            raise await self._without(upstream, user_id, hidden) from None

    async def _with(self, upstream: Readable, token: FreshToken, see: See[T], *, interactive: bool) -> T:
        """A token that is refused is renewed, or thought over, and tried once more."""

        async def ask(token: FreshToken) -> T:
            try:
                seen = await see(Credentials(token.token, token.account_id, token.user_id, interactive))
            except TokenRefusedError:
                raise
            except HIDDEN:
                await self._tokens.accepted(token)
                raise
            await self._tokens.accepted(token)
            return seen

        try:
            return await ask(token)
        except TokenRefusedError:
            again = await self._tokens.refused(token)
        if again is None:
            raise _disconnected(upstream)
        try:
            return await ask(again)
        except TokenRefusedError:
            raise await self._tokens.refused_again(again) from None

    async def _without(self, upstream: Readable, user_id: str, hidden: ImportProblem) -> ImportProblem:
        if isinstance(hidden, ContentBlockedError | IntegrationAuthError):
            return hidden
        connection = await self._connections.find(user_id, upstream.name)
        gone = connection is not None and connection.state is ConnectionState.DISCONNECTED
        return _disconnected(upstream) if gone else hidden


async def seen_by_all(upstream: Readable, see: See[T], ours: Credentials) -> T:
    """What `see` returns with the application's own credential: one that is refused is the operator's to mend."""
    try:
        return await see(ours)
    except TokenRefusedError:
        raise own_credentials.refused(upstream.title, f"{upstream.name} credential", "unauthorized") from None


async def _or_as_public(public: Callable[[], Awaitable[T]], problem: ImportProblem) -> T:
    """What the public sees, else the `problem` with the account. Where the public could not be asked either, nothing
    is decided about who may see it: an account is not blamed, and the public asked again later."""
    try:
        return await public()
    except ContentBlockedError:
        raise
    except ImportProblem as hidden:
        blames = isinstance(problem, IntegrationAuthError | ReauthRequiredError)
        raise (hidden if blames and hidden.outcome is Outcome.DEFER else problem) from None


def _lacks_scope(upstream: Readable) -> IntegrationAuthError:
    return IntegrationAuthError(
        f"Your {upstream.title} account is connected, but without the permission to read from it.",
        action=f"connect_{upstream.name}",
        suggestion=f"Connect {upstream.title} again and grant all permissions, then retry the import.",
    )


def _disconnected(upstream: Readable) -> IntegrationAuthError:
    return IntegrationAuthError(
        f"{upstream.title} does not show this to the public, and your account is no longer connected.",
        action=f"connect_{upstream.name}",
        suggestion=f"Connect {upstream.title} again, then retry the import.",
    )
