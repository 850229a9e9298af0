"""Renewing a connection's tokens: one refresh at a time, whoever asks, over all processes.

Within a process the callers share it, between processes a lease decides. Whoever holds the lease looks again before it
asks, and stores the new pair before anybody uses it; a provider that invalidates the old refresh token on use is
therefore asked once. A refresh that is refused again and again ends the connection until the member consents anew; a
provider that is down is asked less and less often.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter
from pymongo.errors import PyMongoError

from integrations.connections.doubts import doubt
from integrations.connections.model import Grant, may_revoke
from integrations.connections.oauth import InvalidGrantError, OAuth
from integrations.connections.store import Connections, Held
from integrations.provider import Provider
from kit.backoff import backoff
from kit.errors import AccountUnavailableError, UpstreamUnavailableError
from kit.mongo import is_outage
from records.leases import lease

log = structlog.get_logger(__name__)

REFRESHES = Counter("thrive_token_refreshes", "Refreshes of members' tokens, by how they ended", ["provider", "result"])

LEASE = timedelta(seconds=60)  # longer than one refresh takes (`oauth.TOKEN_LIMITS`), and a change of MongoDB's primary
PATIENCE = timedelta(seconds=60)  # how long a caller waits for another's refresh, and tokens for MongoDB
LOOK_AGAIN = 0.25  # seconds, and up to as much again
FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=5), timedelta(minutes=10)

Key = tuple[str, str, int, bool]


class Refresher:
    """`refused_for` is that of `doubts.doubt`. `sleep` and `chance` (in [0, 1)) are there for tests; the clock is
    the store's."""

    def __init__(
        self,
        connections: Connections,
        oauth: OAuth,
        *,
        refused_for: timedelta,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._connections = connections
        self._oauth = oauth
        self._refused_for = refused_for
        self._sleep = sleep
        self._chance = chance
        self._flights: dict[Key, asyncio.Task[Held | None]] = {}

    async def aclose(self) -> None:
        """Let the refreshes under way store what they got."""
        await asyncio.gather(*self._flights.values(), return_exceptions=True)

    async def renewed(self, held: Held, *, dead: bool = False) -> Held | None:
        """The connection once it has other tokens than these, or these where they still serve; `dead` ones do not.

        The callers in this process share the work, which outlives those that are cancelled. Raises
        AccountUnavailableError where there are no tokens to be had.
        """
        which = held.connection
        key = (which.user_id, which.provider, held.version, dead)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._until_renewed(held, dead=dead))
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def _landed(self, key: Key, flight: asyncio.Task[Held | None]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # seen, also where every caller has gone

    async def _until_renewed(self, old: Held, *, dead: bool) -> Held | None:
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
        raise AccountUnavailableError(f"{self._oauth.title(which.provider)} is slow to renew access.")

    async def _renew(self, held: Held, *, dead: bool) -> Held | None:
        """Ask the provider once; what it says is stored before anybody acts on it."""
        which = held.connection
        provider = self._oauth.providers.get(which.provider)
        if held.grant is None:
            return held
        if provider is None:
            raise AccountUnavailableError(f"{self._oauth.title(which.provider)} is not configured here at the moment.")
        if held.grant.refresh_token is None and held.is_over(self._connections.now()):  # nobody can renew it
            await self._connections.mark_needs_reauth(held, provider.title)
            return await self._connections.held(which.user_id, which.provider)
        try:
            grant = await self._oauth.refresh(provider, held.grant)
        except InvalidGrantError:
            REFRESHES.labels(which.provider, "refused").inc()
            log.info("token refresh refused", provider=which.provider, refusals=held.refusals + 1)
            now_held = await doubt(self._connections, held, provider.title, self._refused_for, unusable=dead)
            if now_held is None or now_held.version != held.version:  # erased, or connected again meanwhile
                return now_held
            return self._as_it_is(now_held, now_held.retry_at, dead=dead)
        except UpstreamUnavailableError as error:
            REFRESHES.labels(which.provider, "unavailable").inc()
            now = self._connections.now()
            retry_at = max(now + backoff(held.outages, FIRST_BACKOFF, LONGEST_BACKOFF), error.retry_at or now)
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
        stored = now_held.grant if now_held else None
        if stored is not None and stored.access_token == grant.access_token:
            return now_held
        if now_held is None or may_revoke(provider, held.connection, now_held.connection):
            with suppress(UpstreamUnavailableError):
                await self._oauth.revoke(provider, grant)
        return now_held

    def _as_it_is(self, held: Held, retry_at: datetime | None, *, dead: bool) -> Held:
        if dead or held.is_over(self._connections.now()):
            title = self._oauth.title(held.connection.provider)
            raise AccountUnavailableError(f"{title} does not renew access at the moment.", retry_at=retry_at)
        return held
