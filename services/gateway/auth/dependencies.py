"""Give routes their caller: a member, a reader of a public page, a person, an operator."""

from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from services.gateway.auth import sessions
from services.gateway.auth.caller import OPERATOR, Caller, Via
from services.gateway.auth.service import AuthenticatorDep
from services.gateway.members.service import UsersDep
from services.gateway.rate_limits.public_reads import ReadsDep
from services.gateway.web.client_address import AddressDep
from services.gateway.web.errors import ForbiddenError, UnauthorizedError

bearer = HTTPBearer(auto_error=False, description="A JWT, as `thrive token --user NAME` prints it, or an API token.")
session_cookie = APIKeyCookie(
    name=sessions.COOKIE, auto_error=False, description="The session's cookie, which signing in sets."
)

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
SessionCookie = Annotated[str | None, Depends(session_cookie)]


async def caller(
    request: Request, authenticator: AuthenticatorDep, credentials: Bearer, session: SessionCookie
) -> Caller:
    """Return the member behind the request. Raises `UnauthorizedError` and `ForbiddenError`."""
    return await authenticator.caller(request, credentials.credentials if credentials else None, session)


CallerDep = Annotated[Caller, Depends(caller)]


async def signed_in(
    request: Request, authenticator: AuthenticatorDep, credentials: Bearer, session: SessionCookie
) -> Caller | None:
    """Return the member behind the request, or None."""
    with suppress(UnauthorizedError):
        return await caller(request, authenticator, credentials, session)
    return None


SignedInDep = Annotated[Caller | None, Depends(signed_in)]


async def reader(
    request: Request,
    authenticator: AuthenticatorDep,
    reads: ReadsDep,
    address: AddressDep,
    credentials: Bearer,
    session: SessionCookie,
) -> Caller | None:
    """Return who reads a public page, None if they are not signed in, and count the read.

    A token that is sent must be valid. A session that has ended is ignored, as browsers send its cookie by themselves.
    """
    find = caller if credentials else signed_in
    member = await find(request, authenticator, credentials, session)
    reads.count(f"member {member.user_id}" if member else f"address {address}")
    return member


ReaderDep = Annotated[Caller | None, Depends(reader)]


async def person(caller: CallerDep) -> Caller:
    """Return the member unless an API token was sent: a leaked token must not be able to create more tokens."""
    if caller.via is Via.API_TOKEN:
        raise ForbiddenError("An API token cannot do this.")
    return caller


PersonDep = Annotated[Caller, Depends(person)]


async def operator(users: UsersDep, caller: PersonDep) -> Caller:
    """Return the caller if their token or their record here names them an operator. Raises `ForbiddenError`."""
    if OPERATOR not in caller.roles:
        user = await users.read(caller.user_id)
        if OPERATOR not in user.get("roles", ()):
            raise ForbiddenError(
                "Only operators can do this.", action="none", suggestion="Ask whoever runs the service."
            )
    return caller


OperatorDep = Annotated[Caller, Depends(operator)]
