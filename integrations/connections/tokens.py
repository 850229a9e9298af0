"""A member's access token, fresh, for whoever calls a provider for them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from pydantic import SecretStr

from integrations.connections.model import Account, Connection, ConnectionState, Grant, Provider, Purpose
from integrations.connections.oauth import OAuth
from integrations.connections.refresh import Refresher
from integrations.connections.store import Connections, Held
from kit.errors import ReauthRequiredError, UpstreamUnavailableError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FreshToken:
    """`version` tells this token from those before and after it."""

    token: SecretStr
    user_id: str
    provider: str
    account_id: str  # whose allowance at the provider a call spends
    scopes: tuple[str, ...]
    version: int


class Tokens:
    """`sleep` is there for tests; the clock is the store's."""

    def __init__(
        self,
        connections: Connections,
        oauth: OAuth,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._connections = connections
        self._oauth = oauth
        self._refresher = Refresher(connections, oauth, sleep=sleep)

    async def fresh(self, user_id: str, provider: str) -> FreshToken | None:
        """The token to call `provider` with for this member; None where they have not connected it.

        Raises ReauthRequiredError until the member connects again, and UpstreamUnavailableError where the token is
        over and the provider cannot renew it now.
        """
        held = await self._connections.held(user_id, provider)
        if held is not None and held.is_old(self._connections.now()):
            held = await self._refresher.renewed(held)
        return await self._usable(held)

    async def refused(self, used: FreshToken) -> FreshToken | None:
        """The provider answered 401 to `used`: a newer token, to be tried once. None and errors as of `fresh`."""
        held = await self._connections.held(used.user_id, used.provider)
        if held is not None and held.version == used.version:
            held = await self._refresher.renewed(held, dead=True)
        return await self._usable(held)

    async def connect(
        self, user_id: str, provider: Provider, account: Account, grant: Grant, purpose: Purpose
    ) -> Connection:
        """Store what the member has consented to, and revoke the tokens that it replaces."""
        connection, before = await self._connections.save(user_id, provider.name, account, grant, purpose)
        if before is not None and provider.may_revoke(before.connection, connection):
            await self._revoke(provider, before)
        return connection

    async def disconnect(self, user_id: str, provider: str) -> bool:
        """Erase and revoke at the provider; erased in any case, also where the provider is away. False where there
        was nothing to disconnect.

        Erased first: tokens of a refresh under way come too late to be stored then, and are revoked by it.
        """
        erased = await self._connections.disconnect(user_id, provider)
        if erased is None:
            return False
        if row := self._oauth.providers.get(provider):
            await self._revoke(row, erased)
        return True

    async def aclose(self) -> None:
        """Let the refreshes under way store what they got."""
        await self._refresher.aclose()

    async def _revoke(self, provider: Provider, erased: Held) -> None:
        if erased.grant is None:
            return
        try:
            await self._oauth.revoke(provider, erased.grant)
        except UpstreamUnavailableError:
            log.warning("tokens are erased but not revoked", provider=provider.name)

    async def _usable(self, held: Held | None) -> FreshToken | None:
        if held is None or held.connection.state is ConnectionState.DISCONNECTED:
            return None
        which = held.connection
        if held.grant is None:
            raise ReauthRequiredError(self._oauth.title(which.provider), which.provider, which.waits_for)
        await self._connections.touch(which)
        return FreshToken(
            held.grant.access_token, which.user_id, which.provider, which.account_id, which.scopes, held.version
        )
