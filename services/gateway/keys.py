"""The keys that tokens are checked with: given inline, or the identity provider's JWK set (RFC 7517).

A token chooses among these keys by its `kid` and can never bring one of its own.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from joserfc.jwk import JWKRegistry, Key, KeySet

from kit.errors import ImportProblem, UpstreamUnavailableError

log = structlog.get_logger(__name__)

FindKey = Callable[[str | None], Awaitable[Key]]
FetchJson = Callable[[str], Awaitable[Any]]

FRESH_SECONDS = 3_600.0  # a key that the provider withdrew is refused after this
RETRY_SECONDS = 30.0  # unknown kids and failed fetches ask the provider no more often


def inline(value: str, algorithms: tuple[str, ...]) -> FindKey:
    """From JWT_KEY: a JWK, a JWK set, a PEM public key, or the bytes of an HMAC secret. ValueError when it is none."""
    if value.startswith("{"):
        document = json.loads(value)
        keys = KeySet.import_key_set(document if "keys" in document else {"keys": [document]})
        return _from_set(keys)
    key = JWKRegistry.import_key(value, _key_type(algorithms[0]))

    async def find(kid: str | None) -> Key:
        return key  # the only one, and without a name of its own

    return find


def _from_set(keys: KeySet) -> FindKey:
    async def find(kid: str | None) -> Key:
        return keys.get_by_kid(kid)

    return find


def _key_type(algorithm: str) -> str:
    return {"HS": "oct", "RS": "RSA", "PS": "RSA", "ES": "EC"}.get(algorithm[:2], "OKP")


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
            raise UpstreamUnavailableError("Tokens cannot be checked right now.")
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
            log.warning("the identity provider's keys could not be fetched", error=type(error).__name__)
            if self._clock() - self._fetched_at > 2 * FRESH_SECONDS:
                self._keys = None
