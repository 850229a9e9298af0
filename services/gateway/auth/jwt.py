"""Verify bearer tokens: JWTs (RFC 7519, checked as RFC 8725 asks)."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from kit.errors import ImportProblem
from services.gateway.auth.static_keys import FindKey
from services.gateway.settings import GatewaySettings
from services.gateway.web.errors import UnauthorizedError
from services.gateway.web.provided import provided

MAX_TOKEN_CHARS = 4_096
MAX_SUBJECT_CHARS = 200
TYPES = {"", "jwt", "at+jwt", "application/at+jwt"}  # an ID, logout or DPoP token is not an access token
OWN_KEYS = {"jku", "jwk", "x5u", "x5c"}  # a token that brings its own key, or says where to fetch it


@dataclass(frozen=True, slots=True)
class Claims:
    subject: str
    name: str  # preferred_username, or empty
    roles: frozenset[str] = frozenset()


class Verifier:
    """Checks tokens against the configured algorithms, keys, issuer and audience, whatever the token itself says."""

    def __init__(self, settings: GatewaySettings, find_key: FindKey) -> None:
        self._find_key = find_key
        self._registry = jws.JWSRegistry(algorithms=settings.jwt_algorithms)
        self._claims = JWTClaimsRegistry(
            leeway=int(settings.jwt_leeway.total_seconds()),
            iss={"essential": True, "value": settings.jwt_issuer},
            aud={"essential": True, "value": settings.jwt_audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def verify(self, token: str) -> Claims:
        """Raises `UnauthorizedError`, whose words tell nothing that helps to forge a better token."""
        try:
            return await self._check(token)
        except ImportProblem:
            raise
        except (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            raise UnauthorizedError("The token is not valid, or has expired.") from error

    async def _check(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_CHARS:
            raise ValueError("too long")
        parts = jws.extract_compact(token.encode("ascii"), registry=self._registry)
        header = parts.headers()
        if OWN_KEYS & header.keys() or str(header.get("typ", "")).lower() not in TYPES:
            raise ValueError("header")
        key = await self._find_key(header.get("kid"))
        if not jws.validate_compact(parts, key, registry=self._registry):
            raise ValueError("signature")
        claims: dict[str, Any] = json.loads(parts.payload)
        self._claims.validate(claims)
        subject, name = claims["sub"], claims.get("preferred_username", "")
        if len(subject) > MAX_SUBJECT_CHARS or not subject.isprintable():
            raise ValueError("subject")
        roles = claims.get("roles")
        named = frozenset(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else frozenset()
        return Claims(subject, name if isinstance(name, str) and name.isprintable() else "", named)


VerifierDep = Annotated[Verifier, provided(Verifier)]
