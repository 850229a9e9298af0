"""A member's access token, fresh, for whoever calls a provider for them.

One refresh at a time for each connection: within a process the callers share it, over all processes a lease decides.
Whoever holds the lease looks again before it asks, and stores the new pair before anybody uses it; a provider that
invalidates the old refresh token on use is therefore asked once. A refused refresh ends the connection until the
member consents again; a provider that is away is asked less and less often.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter
from pydantic import SecretStr
from pymongo.errors import PyMongoError

from integrations.connections.model import ConnectionState, Grant, Provider
from integrations.connections.oauth import InvalidGrantError, OAuth
from integrations.connections.store import Connections, Held
from kit.errors import ReauthRequiredError, UpstreamUnavailableError
from kit.lease import lease
from kit.mongo import is_outage

log = structlog.get_logger(__name__)

REFRESHES = Counter("thrive_token_refreshes", "Refreshes of members' tokens, by how they ended", ["provider", "result"])

LEASE = timedelta(seconds=60)  # longer than one refresh takes (`oauth.TOKEN_LIMITS`), and a change of MongoDB's primary
PATIENCE = timedelta(seconds=60)  # how long a caller waits for another's refresh, and tokens for MongoDB
LOOK_AGAIN = 0.25  # seconds, and up to as much again
FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=5), timedelta(minutes=10)


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
    """`sleep` and `chance` (in [0, 1)) are there for tests; the clock is the store's."""

    def __init__(
        self,
        connections: Connections,
        oauth: OAuth,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._connections = connections
        self._oauth = oauth
        self._sleep = sleep
        self._chance = chance
        self._flights: dict[tuple[str, str, int, bool], asyncio.Task[Held | None]] = {}

    async def fresh(self, user_id: str, provider: str) -> FreshToken | None:
        """The token to call `provider` with for this member; None where they have not connected it.

        Raises ReauthRequiredError until the member connects again, and UpstreamUnavailableError where the token is
        over and the provider cannot renew it now.
        """
        held = await self._connections.held(user_id, provider)
        if held is not None and held.is_old(self._connections.now()):
            held = await self._shared(held, dead=False)
        return await self._usable(held)

    async def refused(self, used: FreshToken) -> FreshToken | None:
        """The provider answered 401 to `used`: a newer token, to be tried once. None and errors as of `fresh`."""
        held = await self._connections.held(used.user_id, used.provider)
        if held is not None and held.version == used.version:
            held = await self._shared(held, dead=True)
        return await self._usable(held)

    async def disconnect(self, user_id: str, provider: str) -> bool:
        """Revoke at the provider and erase; erased in any case, also where the provider is away. False where there
        was nothing to disconnect."""
        held = await self._connections.held(user_id, provider)
        if held is None:
            return False
        row = self._oauth.providers.get(provider)
        if row is not None and held.grant is not None:
            try:
                await self._oauth.revoke(row, held.grant)
            except UpstreamUnavailableError:
                log.warning("tokens are erased but not revoked", provider=provider)
        return await self._connections.disconnect(user_id, provider)

    async def aclose(self) -> None:
        """Let the refreshes under way store what they got."""
        await asyncio.gather(*self._flights.values(), return_exceptions=True)

    async def _shared(self, held: Held, *, dead: bool) -> Held | None:
        """The connection after a refresh that all callers in this process share, and that outlives a cancelled one."""
        which = held.connection
        key = (which.user_id, which.provider, held.version, dead)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._refreshed(held, dead=dead))
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def _landed(self, key: tuple[str, str, int, bool], flight: asyncio.Task[Held | None]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # seen, also where every caller has gone

    async def _refreshed(self, old: Held, *, dead: bool) -> Held | None:
        """The connection once it has other tokens than `old`, whoever renewed them; `dead` ones are of no use any more.

        Raises UpstreamUnavailableError where there are none, and the old ones do not serve."""
        which = old.connection
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE.total_seconds()
        while clock() < deadline:
            name = f"refresh:{which.user_id}/{which.provider}"
            async with lease(self._connections.db, name, LEASE, now=self._connections.now) as fence:
                held = await self._connections.held(which.user_id, which.provider)
                if held is None or held.version != old.version:
                    return held
                if held.retry_at and held.retry_at > self._connections.now():
                    return self._as_it_is(held, held.retry_at, dead=dead)
                if fence is not None:
                    return await self._renew(held, dead=dead)
            await self._sleep(LOOK_AGAIN * (1 + self._chance()))
        raise UpstreamUnavailableError(f"{self._title(which.provider)} takes long to let us in.")

    async def _renew(self, held: Held, *, dead: bool) -> Held | None:
        """Ask the provider once; what it says is stored before anybody acts on it."""
        which = held.connection
        provider = self._oauth.providers.get(which.provider)
        if provider is None or held.grant is None:
            raise UpstreamUnavailableError(f"{self._title(which.provider)} is not set up at the moment.")
        try:
            grant = await self._oauth.refresh(provider, held.grant)
        except InvalidGrantError:
            REFRESHES.labels(which.provider, "refused").inc()
            log.info("connection needs consent again", provider=which.provider)
            await self._connections.mark_needs_reauth(held, provider.title)
            return await self._connections.held(which.user_id, which.provider)
        except UpstreamUnavailableError as error:
            REFRESHES.labels(which.provider, "unavailable").inc()
            now = self._connections.now()
            backoff = min(FIRST_BACKOFF * 2 ** min(held.outages, 10), LONGEST_BACKOFF)
            retry_at = max(now + backoff, error.retry_at or now)
            await self._connections.postpone(held, retry_at)
            return self._as_it_is(held, retry_at, dead=dead)
        REFRESHES.labels(which.provider, "renewed").inc()
        stored = await self._store(held, grant)
        return stored or await self._overtaken(provider, held, grant)

    async def _store(self, held: Held, grant: Grant) -> Held | None:
        """Nobody but us knows the new refresh token, and the old one is dead: so MongoDB is waited for."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE.total_seconds()
        while True:
            try:
                return await self._connections.replace(held, grant)
            except PyMongoError as error:
                if not is_outage(error) or clock() >= deadline:
                    raise
            await self._sleep(LOOK_AGAIN)

    async def _overtaken(self, provider: Provider, held: Held, grant: Grant) -> Held | None:
        """The connection has changed while we asked: the member connected again, or disconnected, after which nothing
        of ours stays valid; or our tokens were stored, and MongoDB could not say so."""
        now_held = await self._connections.held(held.connection.user_id, held.connection.provider)
        if now_held is None or now_held.connection.state is ConnectionState.DISCONNECTED:
            with suppress(UpstreamUnavailableError):
                await self._oauth.revoke(provider, grant)
        return now_held

    def _as_it_is(self, held: Held, retry_at: datetime, *, dead: bool) -> Held:
        if dead or held.is_over(self._connections.now()):
            title = self._title(held.connection.provider)
            raise UpstreamUnavailableError(f"{title} is not available at the moment.", retry_at=retry_at)
        return held

    async def _usable(self, held: Held | None) -> FreshToken | None:
        if held is None or held.connection.state is ConnectionState.DISCONNECTED:
            return None
        which = held.connection
        if held.grant is None:
            raise ReauthRequiredError(self._title(which.provider), which.provider, which.waits_for)
        await self._connections.touch(which)
        return FreshToken(
            held.grant.access_token, which.user_id, which.provider, which.account_id, which.scopes, held.version
        )

    def _title(self, provider: str) -> str:
        row = self._oauth.providers.get(provider)
        return row.title if row else provider
