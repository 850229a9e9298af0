"""Find out who makes a request: by a JWT, by a personal API token, or by a browser's session."""

from dataclasses import dataclass
from typing import Annotated

from starlette.requests import Request

from services.gateway.auth.caller import Caller, Via
from services.gateway.auth.csrf import refuse_cross_site
from services.gateway.auth.jwt import Verifier
from services.gateway.auth.sessions import Sessions
from services.gateway.members.service import Users
from services.gateway.tokens.service import PREFIX, ApiTokens
from services.gateway.web.errors import UnauthorizedError
from services.gateway.web.provided import provided


@dataclass(frozen=True, slots=True)
class Authenticator:
    verifier: Verifier
    users: Users
    sessions: Sessions
    api_tokens: ApiTokens
    public_url: str

    async def caller(self, request: Request, token: str | None, session: str | None) -> Caller:
        """Return the member behind the request. A token that is sent decides, whatever the cookie says.

        Raises `UnauthorizedError`, and `ForbiddenError` for a cookie that another site's page made the browser send.
        """
        if token is None:
            if not session:
                raise UnauthorizedError("This address needs a bearer token.")
            refuse_cross_site(request, self.public_url)
            return await self._member(await self.sessions.owner(session), Via.SESSION)
        if token.startswith(PREFIX):
            return await self._member(await self.api_tokens.owner(token), Via.API_TOKEN)
        claims = await self.verifier.verify(token)
        # The first request of a subject creates its user record; later ones need no query.
        username = await self.users.name(claims.subject, claims.name)
        return Caller(claims.subject, username, Via.JWT, claims.roles)

    async def _member(self, user_id: str, via: Via) -> Caller:
        username = await self.users.find_name(user_id)
        if username is None:
            raise UnauthorizedError("This account no longer exists.")
        return Caller(user_id, username, via)


AuthenticatorDep = Annotated[Authenticator, provided(Authenticator)]
