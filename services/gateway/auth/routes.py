"""Sign in with an account elsewhere, link one more, and sign out.

The provider's tokens are used once, to learn whose account it is, and dropped. They are not revoked: at Google that
would take every consent back that the member gave us, and with it their connections.
"""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from integrations.provider import Provider, Purpose
from kit.errors import ImportProblem
from services.gateway.auth.consent import Answer, AnswerDep, Browser, Consents, ConsentsDep, ReturnTo, redirect_back
from services.gateway.auth.csrf import refuse_cross_site
from services.gateway.auth.dependencies import SessionCookie
from services.gateway.auth.oauth_flow import OAuthFlow
from services.gateway.auth.sessions import Sessions, SessionsDep, forget
from services.gateway.connections.service import Accounts, AccountsDep
from services.gateway.members.responses import Me
from services.gateway.members.service import Identity, Users, UsersDep
from services.gateway.web.client_address import AddressDep
from services.gateway.web.errors import ConsentRefusedError, NotFoundError, UnauthorizedError
from services.gateway.web.openapi import PUBLIC, errors
from services.gateway.web.provided import SettingsDep

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
    settings: SettingsDep,
    accounts: AccountsDep,
    consents: ConsentsDep,
    sessions: SessionsDep,
    address: AddressDep,
    session: SessionCookie,
    browser: Browser = None,
    return_to: ReturnTo = None,
    link: Link = False,
) -> Response:
    """Start signing in, in a browser: a cookie binds the OAuth flow to it. The first sign-in makes you a member."""
    offered, user_id = _offered(accounts, provider), None
    if link:
        # Another site could have signed this browser in at the provider, and so leave its own account as a way in.
        refuse_cross_site(request, settings.public_url, also_safe=True)
        user_id = await sessions.owner(session or "")
    page, started = await consents.start(
        offered,
        Purpose.SIGN_IN,
        router.prefix,
        counted_for=f"address {address}",
        browser=browser,
        return_to=return_to,
        user_id=user_id,
        in_session=link,
    )
    response = RedirectResponse(page, 302)
    started.remember(response)
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
    accounts: AccountsDep,
    consents: ConsentsDep,
    sessions: SessionsDep,
    users: UsersDep,
    session: SessionCookie,
    answer: AnswerDep,
    browser: Browser = None,
) -> Response:
    """Where the provider sends the browser back to."""
    offered = _offered(accounts, provider)
    caller_id = await _signed_in(sessions, session)
    flow = await consents.finish(offered, (Purpose.SIGN_IN,), answer, browser=browser, caller_id=caller_id)
    try:
        user_id = await _member(users, flow, await _identity(consents, offered, flow, answer))
    except ImportProblem as problem:
        if flow.return_to is None:
            raise
        return redirect_back(flow.return_to, provider=offered.name, error_code=problem.error_code)
    response: Response
    if flow.return_to is None:
        me = Me.of(await users.read(user_id))
        response = JSONResponse(me.model_dump(mode="json"))
    else:
        response = redirect_back(flow.return_to)
    await sessions.begin(user_id, response, earlier=session)
    return response


@router.post("/sign-out/", status_code=204, responses=errors(403), openapi_extra=PUBLIC)
async def sign_out(request: Request, settings: SettingsDep, sessions: SessionsDep, session: SessionCookie) -> Response:
    """End this browser's session. API tokens stay."""
    if session:
        refuse_cross_site(request, settings.public_url)
        await sessions.end(session)
    response = Response(status_code=204)
    forget(response)
    return response


async def _identity(consents: Consents, provider: Provider, flow: OAuthFlow, answer: Answer) -> Identity:
    """Return the identity that the provider vouches for."""
    refused = ConsentRefusedError(
        f"{provider.title} did not sign you in: the access was not allowed.", action="sign_in"
    )
    _, account = await consents.granted(provider, flow, answer, router.prefix, otherwise=refused)
    return Identity(provider.name, account.id, account.name, account.display_name, account.avatar_url or None)


async def _member(users: Users, flow: OAuthFlow, identity: Identity) -> str:
    if flow.user_id is None:
        return await users.sign_in(identity)
    await users.link(flow.user_id, identity)
    return flow.user_id


async def _signed_in(sessions: Sessions, session: str | None) -> str | None:
    with suppress(UnauthorizedError):
        return await sessions.owner(session or "")
    return None


def _offered(accounts: Accounts, provider: str) -> Provider:
    offered = accounts.oauth.providers.get(provider)
    if offered is None or not offered.offers(Purpose.SIGN_IN):
        raise NotFoundError(f"Sign-in with {offered.title if offered else 'this provider'} is not available here.")
    return offered
