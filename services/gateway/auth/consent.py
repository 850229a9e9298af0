"""Send a browser to a provider's consent page, and take the answer that it comes back with: signing in and connecting
an account both do."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from fastapi import Cookie, Depends, Query
from starlette.responses import RedirectResponse, Response

from integrations.connections.model import Grant
from integrations.connections.oauth import OAuth
from integrations.provider import Account, Provider, Purpose
from services.gateway.auth import oauth_flow
from services.gateway.auth.oauth_flow import OAuthFlow, OAuthFlowRefusedError, OAuthFlows, StartedFlow
from services.gateway.auth.return_to import checked_return_to, with_query
from services.gateway.rate_limits.limits import OAUTH_STARTS, MemberLimits
from services.gateway.settings import GatewaySettings
from services.gateway.web.errors import ConsentRefusedError
from services.gateway.web.provided import provided

Browser = Annotated[str | None, Cookie(alias=oauth_flow.COOKIE, include_in_schema=False)]
ReturnTo = Annotated[
    str | None,
    Query(
        max_length=2_048,
        description="Where the browser is sent afterwards: a path of this service, or a page of an allowed origin.",
    ),
]


@dataclass(frozen=True, slots=True)
class Answer:
    """The parameters with which a provider sends the browser back (RFC 6749, section 4.1.2; `iss`: RFC 9207)."""

    state: Annotated[str | None, Query(max_length=200)] = None
    code: Annotated[str | None, Query(max_length=2_048)] = None
    error: Annotated[str | None, Query(max_length=200)] = None
    iss: Annotated[str | None, Query(max_length=500)] = None


AnswerDep = Annotated[Answer, Depends()]


class Consents:
    def __init__(self, oauth: OAuth, flows: OAuthFlows, limits: MemberLimits, settings: GatewaySettings) -> None:
        self._oauth, self._flows, self._limits = oauth, flows, limits
        self._home, self._origins = settings.public_url, settings.return_origins

    async def start(
        self,
        provider: Provider,
        purpose: Purpose,
        prefix: str,
        *,
        counted_for: str,
        browser: str | None,
        return_to: str | None,
        user_id: str | None = None,
        in_session: bool = False,
    ) -> tuple[str, StartedFlow]:
        """Begin a flow whose callback is below the path `prefix`; return the consent page's address too.

        `counted_for` is the member or address whose limit it counts against. Raises `MemberLimitError`, and
        `InvalidRequestError` for a `return_to` that is not allowed.
        """
        async with self._limits.spending(counted_for, OAUTH_STARTS):
            started = await self._flows.begin(
                purpose,
                provider.name,
                browser=browser,
                user_id=user_id,
                in_session=in_session,
                return_to=checked_return_to(return_to, home=self._home, origins=self._origins),
            )
        page = self._oauth.authorize_url(
            provider,
            scopes=provider.scopes[purpose],
            redirect_uri=self._callback(provider, prefix),
            state=started.state,
            verifier=started.flow.verifier,
            nonce=started.flow.nonce,
        )
        return page, started

    async def finish(
        self,
        provider: Provider,
        purposes: Collection[Purpose],
        answer: Answer,
        *,
        browser: str | None,
        caller_id: str | None,
    ) -> OAuthFlow:
        """End the flow that the answer's state names. Raises `OAuthFlowRefusedError`."""
        return await self._flows.finish(
            purposes, provider.name, state=answer.state, browser=browser, caller_id=caller_id
        )

    async def granted(
        self, provider: Provider, flow: OAuthFlow, answer: Answer, prefix: str, *, otherwise: ConsentRefusedError
    ) -> tuple[Grant, Account]:
        """Return what was granted and whose account it is.

        Raises `otherwise` if the access was not allowed, `OAuthFlowRefusedError` for another provider's answer, and
        the errors of the provider's endpoints.
        """
        if not provider.issued_by(answer.iss):
            raise OAuthFlowRefusedError("The reply came from another provider than the one you started with.")
        if answer.error or not answer.code:
            raise otherwise
        grant = await self._oauth.exchange(
            provider,
            code=answer.code,
            redirect_uri=self._callback(provider, prefix),
            verifier=flow.verifier,
            scopes=provider.scopes[flow.purpose],
        )
        return grant, await self._oauth.account(provider, grant, nonce=flow.nonce)

    def _callback(self, provider: Provider, prefix: str) -> str:
        return f"{self._home}{prefix}/{provider.name}/callback/"


ConsentsDep = Annotated[Consents, provided(Consents)]


def redirect_back(page: str, **params: str) -> Response:
    """Redirect without a referrer, which would carry the code and the state along."""
    address = with_query(page, **params) if params else page
    return RedirectResponse(address, 303, {"Referrer-Policy": "no-referrer"})
