"""What signing in and connecting have in common: to a provider's page of consent, and back with its answer."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Cookie, Depends, Query
from starlette.responses import RedirectResponse, Response

from integrations.connections.model import Grant
from integrations.provider import Account, Provider
from services.gateway.auth import oauth_flow
from services.gateway.auth.oauth_flow import Begun, Walk, WalkRefusedError
from services.gateway.auth.return_to import with_query
from services.gateway.services import Gateway
from services.gateway.web.errors import ConsentRefusedError

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
    """What a provider sends the browser back with (RFC 6749, section 4.1.2; `iss` is RFC 9207's)."""

    state: Annotated[str | None, Query(max_length=200)] = None
    code: Annotated[str | None, Query(max_length=2_048)] = None
    error: Annotated[str | None, Query(max_length=200)] = None
    iss: Annotated[str | None, Query(max_length=500)] = None


AnswerDep = Annotated[Answer, Depends()]


def page_of(gateway: Gateway, row: Provider, begun: Begun, callback: str) -> str:
    """The address of the provider's page of consent for this walk."""
    return gateway.accounts.oauth.authorize_url(
        row,
        scopes=row.scopes[begun.walk.purpose],
        redirect_uri=callback,
        state=begun.state,
        verifier=begun.walk.verifier,
        nonce=begun.walk.nonce,
    )


async def consented(
    gateway: Gateway, row: Provider, done: Walk, answer: Answer, callback: str, *, otherwise: ConsentRefusedError
) -> tuple[Grant, Account]:
    """What was granted, and whose account it is. Raises `otherwise` where the access was not allowed,
    `WalkRefusedError` for another provider's answer, and what the provider's endpoints raise."""
    if not row.issued_by(answer.iss):
        raise WalkRefusedError("The reply came from another provider than the one you started with.")
    if answer.error or not answer.code:
        raise otherwise
    oauth = gateway.accounts.oauth
    grant = await oauth.exchange(
        row, code=answer.code, redirect_uri=callback, verifier=done.verifier, scopes=row.scopes[done.purpose]
    )
    return grant, await oauth.account(row, grant, nonce=done.nonce)


def back_to(page: str, **params: str) -> Response:
    """Without a referrer, in which the code and the state would travel on."""
    address = with_query(page, **params) if params else page
    return RedirectResponse(address, 303, {"Referrer-Policy": "no-referrer"})
