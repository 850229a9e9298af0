"""Whether an id token is about the account that signed in (OpenID Connect Core, 3.1.3.7)."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jwt import JWTClaimsRegistry
from pydantic import SecretStr

from integrations.provider import Provider
from kit.errors import ImportProblem
from kit.jwks import RemoteKeys
from kit.upstream import Upstream

REGISTRY = jws.JWSRegistry(algorithms=["RS256"])
LEEWAY = 60  # seconds
MAX_CHARS = 8_192


class IdTokenRefusedError(ImportProblem):
    """The provider's word on who signed in is missing, forged, for somebody else, or not of this walk."""

    status = 424
    error_code = "AUTH_ERROR"
    action = "start_again"
    suggestion = "Start signing in again."


class IdTokens:
    def __init__(self, http: Upstream, *, now: Callable[[], datetime]) -> None:
        self._http = http
        self._now = now
        self._keys: dict[str, RemoteKeys] = {}

    async def check(self, provider: Provider, id_token: SecretStr | None, *, nonce: str, subject: str) -> None:
        """Raises IdTokenRefusedError unless it is signed by the provider, for us, for this walk and about `subject`;
        UpstreamUnavailableError without the provider's keys."""
        text = id_token.get_secret_value() if id_token else ""
        expected = JWTClaimsRegistry(
            now=lambda: int(self._now().timestamp()),
            leeway=LEEWAY,
            # Google may leave the scheme out
            iss={"essential": True, "values": [provider.issuer, provider.issuer.removeprefix("https://")]},
            aud={"essential": True, "value": provider.client_id},
            azp={"value": provider.client_id},
            sub={"essential": True, "value": subject},
            nonce={"essential": True, "value": nonce},
            iat={"essential": True},
            exp={"essential": True},
        )
        try:
            if len(text) > MAX_CHARS:
                raise ValueError("too long")
            signed = jws.extract_compact(text.encode("ascii"), registry=REGISTRY)
            key = await self._find_key(provider, signed.headers().get("kid"))
            if not jws.validate_compact(signed, key, registry=REGISTRY):
                raise ValueError("signature")
            expected.validate(json.loads(signed.payload))
        except ImportProblem:
            raise
        except (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
            raise IdTokenRefusedError(f"{provider.title} sent an identity that could not be verified.") from None

    async def _find_key(self, provider: Provider, kid: str | None) -> Key:
        async def fetch(url: str) -> Any:
            return (await self._http.get(url, service=provider.title)).json()

        keys = self._keys.setdefault(provider.jwks_url, RemoteKeys(provider.jwks_url, fetch))
        return await keys.find(kid)
