"""Signing in with an account elsewhere, linking one more, and signing out.

The provider's tokens are used once, to learn whose account it is, and dropped. They are not revoked: at Google that
would take every consent back that the member gave us, and with it their connections.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from integrations.provider import Provider, Purpose
from kit.errors import ImportProblem
from services.gateway.auth.consent import Answer, AnswerDep, Browser, ReturnTo, back_to, consented, page_of
from services.gateway.auth.csrf import refuse_cross_site
from services.gateway.auth.dependencies import SessionCookie
from services.gateway.auth.oauth_flow import Walk
from services.gateway.auth.return_to import allowed_return
from services.gateway.auth.sessions import forget
from services.gateway.members.responses import Me
from services.gateway.members.service import Identity
from services.gateway.rate_limits.limits import WALKS
from services.gateway.services import Gateway, GatewayDep
from services.gateway.web.client_address import peer
from services.gateway.web.errors import ConsentRefusedError, NotFoundError, UnauthorizedError
from services.gateway.web.openapi import PUBLIC, errors

router = APIRouter(prefix="/auth", tags=["sign-in"])

Link = Annotated[
    bool, Query(description="Whether to link the account to the member who is signed in, as one more way to sign in.")
]


@router.get(
    "/{provider}/start/",
    status_code=302,
    response_class=RedirectResponse,
    responses={302: {"description": "Redirects to the provider's consent page."}, **errors(403, 404, 429)},
    openapi_extra=PUBLIC,
)
async def start_signing_in(
    provider: str,
    request: Request,
    gateway: GatewayDep,
    session: SessionCookie,
    browser: Browser = None,
    return_to: ReturnTo = None,
    link: Link = False,
) -> Response:
    """Start signing in, in a browser: a cookie binds the OAuth flow to it. The first sign-in makes you a member."""
    row, settings, user_id = _offered(gateway, provider), gateway.settings, None
    if link:
        # Another site could have signed this browser in at the provider, and so leave its own account as a way in.
        refuse_cross_site(request, settings.public_url, also_safe=True)
        user_id = await gateway.sessions.owner(session or "")
    async with gateway.limits.spending(f"address {peer(request, settings.trusted_proxies)}", WALKS):
        begun = await gateway.walks.begin(
            Purpose.SIGN_IN,
            row.name,
            browser=browser,
            user_id=user_id,
            in_session=link,
            return_to=allowed_return(return_to, home=settings.public_url, origins=settings.return_origins),
        )
    response = RedirectResponse(page_of(gateway, row, begun, _callback(gateway, row)), 302)
    begun.remember(response)
    return response


@router.get(
    "/{provider}/callback/",
    response_model=Me,
    responses={
        200: {"description": "The member is signed in; the answer sets the session's cookie."},
        303: {"description": "Redirects to `return_to`, with `error_code` if it failed.", "content": {}},
        **errors(400, 404, 409, 424, 429, 502),
    },
    openapi_extra=PUBLIC,
)
async def finish_signing_in(
    provider: str,
    gateway: GatewayDep,
    session: SessionCookie,
    answer: AnswerDep,
    browser: Browser = None,
) -> Response:
    """Where the provider sends the browser back to."""
    row = _offered(gateway, provider)
    done = await gateway.walks.finish(
        (Purpose.SIGN_IN,), row.name, state=answer.state, browser=browser, caller_id=await _signed_in(gateway, session)
    )
    try:
        user_id = await _member(gateway, await _identity(gateway, row, done, answer), done)
    except ImportProblem as problem:
        if done.return_to is None:
            raise
        return back_to(done.return_to, provider=row.name, error_code=problem.error_code)
    response: Response
    if done.return_to is None:
        me = Me.of(await gateway.users.read(user_id))
        response = JSONResponse(me.model_dump(mode="json"))
    else:
        response = back_to(done.return_to)
    await gateway.sessions.begin(user_id, response, earlier=session)
    return response


@router.post("/sign-out/", status_code=204, responses=errors(403), openapi_extra=PUBLIC)
async def sign_out(request: Request, gateway: GatewayDep, session: SessionCookie) -> Response:
    """End this browser's session. API tokens stay."""
    if session:
        refuse_cross_site(request, gateway.settings.public_url)
        await gateway.sessions.end(session)
    response = Response(status_code=204)
    forget(response)
    return response


async def _identity(gateway: Gateway, row: Provider, done: Walk, answer: Answer) -> Identity:
    """Who the provider says it is."""
    refused = ConsentRefusedError(f"{row.title} did not sign you in: the access was not allowed.", action="sign_in")
    _, account = await consented(gateway, row, done, answer, _callback(gateway, row), otherwise=refused)
    return Identity(row.name, account.id, account.name, account.display_name, account.avatar_url or None)


async def _member(gateway: Gateway, identity: Identity, done: Walk) -> str:
    if done.user_id is None:
        return await gateway.users.sign_in(identity)
    await gateway.users.link(done.user_id, identity)
    return done.user_id


async def _signed_in(gateway: Gateway, session: str | None) -> str | None:
    try:
        return await gateway.sessions.owner(session or "")
    except UnauthorizedError:
        return None


def _offered(gateway: Gateway, provider: str) -> Provider:
    row = gateway.accounts.oauth.providers.get(provider)
    if row is None or not row.offers(Purpose.SIGN_IN):
        raise NotFoundError(f"Sign-in with {row.title if row else 'this provider'} is not available here.")
    return row


def _callback(gateway: Gateway, row: Provider) -> str:
    return f"{gateway.settings.public_url}{router.prefix}/{row.name}/callback/"
