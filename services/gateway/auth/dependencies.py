"""Who is calling: a bearer JWT (RFC 7519, checked as RFC 8725 asks), a personal API token or a browser's session
becomes a `Caller`."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from services.gateway.auth import sessions
from services.gateway.auth.caller import OPERATOR, Caller, Via
from services.gateway.auth.csrf import refuse_cross_site
from services.gateway.tokens import service as api_tokens
from services.gateway.web.client_address import peer
from services.gateway.web.errors import ForbiddenError, UnauthorizedError

if TYPE_CHECKING:
    from services.gateway.services import Gateway


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
