"""Who is calling: a bearer JWT (RFC 7519, checked as RFC 8725 asks), a personal API token or a browser's session
becomes a `Caller`."""

import json
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from kit.errors import ImportProblem
from services.gateway import api_tokens, sessions
from services.gateway.addresses import peer
from services.gateway.csrf import refuse_cross_site
from services.gateway.errors import ForbiddenError, UnauthorizedError
from services.gateway.keys import FindKey
from services.gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from services.gateway.services import Gateway

MAX_TOKEN_CHARS = 4_096
MAX_SUBJECT_CHARS = 200
OPERATOR = "operator"  # the role of those who run the service
TYPES = {"", "jwt", "at+jwt", "application/at+jwt"}  # an ID, logout or DPoP token is not an access token
OWN_KEYS = {"jku", "jwk", "x5u", "x5c"}  # a token that brings its own key, or says where to fetch it


@dataclass(frozen=True, slots=True)
class Claims:
    subject: str
    name: str  # preferred_username, or empty
    roles: frozenset[str] = frozenset()


class Via(StrEnum):
    JWT = "jwt"
    API_TOKEN = "api_token"  # noqa: S105
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Caller:
    user_id: str
    username: str
    via: Via = Via.JWT
    roles: frozenset[str] = frozenset()  # by the host application's word; a member's record may name more


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


bearer = HTTPBearer(auto_error=False, description="A JWT, as `thrive token --user NAME` prints it, or an API token.")
session_cookie = APIKeyCookie(
    name=sessions.COOKIE, auto_error=False, description="The session's cookie, which signing in sets."
)

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
SessionCookie = Annotated[str | None, Depends(session_cookie)]


async def caller(request: Request, credentials: Bearer, session: SessionCookie) -> Caller:
    """The member behind the request. A token that is sent decides, whatever the cookie says."""
    gateway = request.app.state.gateway
    if credentials is None:
        if not session:
            raise UnauthorizedError("This address needs a bearer token.")
        refuse_cross_site(request, gateway.settings.public_url)
        return await _member(gateway, await gateway.sessions.owner(session), Via.SESSION)
    token = credentials.credentials
    if token.startswith(api_tokens.PREFIX):
        return await _member(gateway, await gateway.api_tokens.owner(token), Via.API_TOKEN)
    claims = await gateway.verifier.verify(token)
    # on first sight of a subject it gets its user record; later this asks nobody
    username = await gateway.users.name(claims.subject, claims.name)
    return Caller(claims.subject, username, Via.JWT, claims.roles)


async def _member(gateway: "Gateway", user_id: str, via: Via) -> Caller:
    username = await gateway.users.find_name(user_id)
    if username is None:
        raise UnauthorizedError("This account no longer exists.")
    return Caller(user_id, username, via)


CallerDep = Annotated[Caller, Depends(caller)]


async def reader(request: Request, credentials: Bearer, session: SessionCookie) -> Caller | None:
    """Who reads a public page, each so many in a minute: a member, or None for anybody else.

    A token that is sent must be good; a session that has ended is nobody's, as browsers send its cookie unasked."""
    gateway, member = request.app.state.gateway, None
    if credentials is not None:
        member = await caller(request, credentials, session)
    elif session:
        with suppress(UnauthorizedError):
            member = await caller(request, None, session)
    address = peer(request, gateway.settings.trusted_proxies)
    gateway.reads.count(f"member {member.user_id}" if member else f"address {address}")
    return member


ReaderDep = Annotated[Caller | None, Depends(reader)]


async def person(caller: CallerDep) -> Caller:
    """The member, but not through an API token: one that leaks must not beget others."""
    if caller.via is Via.API_TOKEN:
        raise ForbiddenError("An API token cannot do this.")
    return caller


PersonDep = Annotated[Caller, Depends(person)]


async def operator(request: Request, caller: Annotated[Caller, Depends(person)]) -> Caller:
    """Somebody who runs the service: by their token, or by their record here."""
    if OPERATOR not in caller.roles:
        user = await request.app.state.gateway.users.read(caller.user_id)
        if OPERATOR not in user.get("roles", ()):
            raise ForbiddenError(
                "Only operators can do this.", action="none", suggestion="Ask whoever runs the service."
            )
    return caller


OperatorDep = Annotated[Caller, Depends(operator)]
