"""A member's access token, fresh, for whoever calls a provider for them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from pydantic import SecretStr

from integrations.connections.doubts import doubt, trust
from integrations.connections.model import Connection, ConnectionState, Grant, may_revoke
from integrations.connections.oauth import OAuth
from integrations.connections.refresh import Refresher
from integrations.connections.store import Connections, Held
from integrations.provider import Account, Provider, Purpose
from kit.errors import AccountUnavailableError, ImportProblem, ReauthRequiredError, UpstreamUnavailableError

log = structlog.get_logger(__name__)

PAUSE = 2.0  # seconds, before a token that was refused once is tried again
REFUSED_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class FreshToken:
    """`version` tells this token from those before and after it."""

    token: SecretStr
    user_id: str
    provider: str
    account_id: str  # whose allowance at the provider a call spends
    scopes: tuple[str, ...]
    version: int
    doubted: bool = False  # the provider has refused it lately: tell `accepted` where it takes it


class Tokens:
    """`refused_for` is that of `doubts.doubt`; `sleep` is there for tests, and the clock is the store's."""

    def __init__(
        self,
        connections: Connections,
        oauth: OAuth,
        *,
        refused_for: timedelta = REFUSED_FOR,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._connections = connections
        self._oauth = oauth
        self._refused_for = refused_for
        self._sleep = sleep
        self._refresher = Refresher(connections, oauth, refused_for=refused_for, sleep=sleep)

    async def fresh(self, user_id: str, provider: str) -> FreshToken | None:
        """The token to call `provider` with for this member; None where they have not connected it.

        Raises ReauthRequiredError until the member connects again, and AccountUnavailableError where the token is
        over, or in doubt, and there is no other now.
        """
        held = await self._connections.held(user_id, provider)
        now = self._connections.now()
        if held is not None and held.use_after is not None and held.use_after > now:
            raise self._in_doubt(held)
        if held is not None and held.is_old(now):
            held = await self._refresher.renewed(held)
        return await self._usable(held)

    async def refused(self, used: FreshToken) -> FreshToken | None:
        """The provider answered 401 to `used`, once: what to try once more. A newer token where there is one, else the
        same after a pause. None and errors as of `fresh`."""
        held = await self._connections.held(used.user_id, used.provider)
        if held is not None and held.version == used.version:
            if held.grant is None or held.grant.refresh_token:
                held = await self._refresher.renewed(held, dead=True)
            else:
                await self._sleep(PAUSE)
                held = await self._connections.held(used.user_id, used.provider)
        return await self._usable(held)

    async def refused_again(self, used: FreshToken) -> ImportProblem:
        """The provider answered 401 to what `refused` gave: the problem to raise. Where the provider itself says that
        the token is good, it stands; else it is in doubt for a while, and in the end the member has to connect again.
        """
        held = await self._connections.held(used.user_id, used.provider)
        title = self._oauth.title(used.provider)
        if held is None or held.version != used.version or held.grant is None:  # changed meanwhile: the next try sees
            return AccountUnavailableError(f"{title} refuses access with your account at the moment.")
        provider = self._oauth.providers.get(used.provider)
        if provider is not None and await self._oauth.is_good(provider, held.grant):
            log.info("valid token refused", provider=used.provider)
            return AccountUnavailableError(f"{title} refuses access with your account at the moment.")
        log.info("token refused", provider=used.provider, refusals=held.refusals + 1)
        held = await doubt(self._connections, held, title, self._refused_for, unusable=True)
        if held is not None and held.connection.state is ConnectionState.NEEDS_REAUTH:
            return _reauth(title, held.connection)
        return self._in_doubt(held) if held else AccountUnavailableError(f"{title} is no longer connected.")

    async def accepted(self, used: FreshToken) -> None:
        """The provider took it."""
        if used.doubted:
            await trust(self._connections, used.user_id, used.provider, used.version)

    async def connect(
        self, user_id: str, provider: Provider, account: Account, grant: Grant, purpose: Purpose
    ) -> Connection:
        """Store what the member has consented to, and revoke the tokens that it replaces."""
        connection, before = await self._connections.save(user_id, provider.name, account, grant, purpose)
        if before is not None and may_revoke(provider, before.connection, connection):
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
            log.warning("tokens erased but not revoked", provider=provider.name)

    async def _usable(self, held: Held | None) -> FreshToken | None:
        if held is None or held.connection.state is ConnectionState.DISCONNECTED:
            return None
        which = held.connection
        if held.grant is None:
            raise _reauth(self._oauth.title(which.provider), which)
        await self._connections.touch(which)
        return FreshToken(
            held.grant.access_token,
            which.user_id,
            which.provider,
            which.account_id,
            which.scopes,
            held.version,
            doubted=held.refusals > 0,
        )

    def _in_doubt(self, held: Held) -> AccountUnavailableError:
        title = self._oauth.title(held.connection.provider)
        return AccountUnavailableError(
            f"{title} refuses access with your account at the moment.", retry_at=held.use_after
        )


def _reauth(title: str, which: Connection) -> ReauthRequiredError:
    return ReauthRequiredError(title, which.provider, which.waits_for)
