"""The keys that tokens are checked with: given inline here, or fetched as the identity provider's set (`kit.jwks`).

A token chooses among these keys by its `kid` and can never bring one of its own.
"""

import json
from collections.abc import Awaitable, Callable

from joserfc.jwk import JWKRegistry, Key, KeySet

FindKey = Callable[[str | None], Awaitable[Key]]


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
