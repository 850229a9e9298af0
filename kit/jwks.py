"""A provider's public keys, as it publishes them (RFC 7517)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from joserfc.jwk import Key, KeySet

from kit.errors import ImportProblem, UpstreamUnavailableError

log = structlog.get_logger(__name__)

FetchJson = Callable[[str], Awaitable[Any]]

FRESH_SECONDS = 3_600.0  # a key that the provider withdrew is refused after this
RETRY_SECONDS = 30.0  # unknown kids and failed fetches ask the provider no more often


class RemoteKeys:
    """The provider's JWK set, fetched when first needed and again when it is old or a `kid` is unknown."""

    def __init__(self, url: str, fetch: FetchJson, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._fetch, self._clock = url, fetch, clock
        self._keys: KeySet | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None) -> Key:
        """Raises `InvalidKeyIdError` for a kid that is not in the set, `UpstreamUnavailableError` without any set."""
        if self._wanting(kid):
            async with self._lock:
                if self._wanting(kid):
                    await self._refresh()
        if self._keys is None:
            raise UpstreamUnavailableError("Tokens cannot be verified right now.")
        return self._keys.get_by_kid(kid)

    def _wanting(self, kid: str | None) -> bool:
        now = self._clock()
        known = self._keys is not None and (kid is None or any(key.kid == kid for key in self._keys))
        return (not known or now - self._fetched_at > FRESH_SECONDS) and now - self._tried_at > RETRY_SECONDS

    async def _refresh(self) -> None:
        self._tried_at = self._clock()
        try:
            self._keys = KeySet.import_key_set(await self._fetch(self._url))
            self._fetched_at = self._clock()
        except (ImportProblem, ValueError, KeyError, TypeError) as error:
            log.warning("identity provider's keys could not be fetched", error=type(error).__name__)
            if self._clock() - self._fetched_at > 2 * FRESH_SECONDS:
                self._keys = None
