"""The accounts that a member has connected, and the walk that connects one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from integrations.connections.model import Connection
from integrations.provider import Provider, Purpose
from kit.errors import ImportProblem
from services.gateway.auth.caller import Caller, Via
from services.gateway.auth.consent import Answer, AnswerDep, Browser, ReturnTo, back_to, consented, page_of
from services.gateway.auth.csrf import refuse_cross_site
from services.gateway.auth.dependencies import Bearer, CallerDep, PersonDep, SessionCookie, caller
from services.gateway.auth.oauth_flow import Walk
from services.gateway.auth.return_to import allowed_return
from services.gateway.connections.responses import ConnectionAnswer, ConnectionList, Started
from services.gateway.rate_limits.limits import WALKS
from services.gateway.services import Gateway, GatewayDep
from services.gateway.web.errors import ConsentRefusedError, NotFoundError, UnauthorizedError
from services.gateway.web.openapi import PUBLIC, errors

PREFIX = "/api/v1/connections"
CONNECTING = (Purpose.CONNECT, Purpose.PRIVATE)

router = APIRouter(prefix=PREFIX, tags=["connections"])

Private = Annotated[
    bool | None,
    Query(description="Whether to request access to private content too. By default, if it was granted before."),
]


@router.get("/", responses=errors())
async def list_connections(gateway: GatewayDep, caller: CallerDep) -> ConnectionList:
    """Every provider that can be connected, and how your connection stands."""
    held = {one.provider: one for one in await gateway.accounts.connections.list(caller.user_id)}
    offered = gateway.accounts.offered.values()
    return ConnectionList(connections=[ConnectionAnswer.of(one, held.get(one.name)) for one in offered])


@router.get(
    "/{provider}/start/",
    response_model=Started,
    responses={
        200: {"description": "With `Accept: application/json`, the address of the provider's consent page."},
        302: {"description": "Redirects to the provider's consent page.", "content": {}},
        **errors(403, 404, 429),
    },
)
async def start_connecting(
    provider: str,
    request: Request,
    gateway: GatewayDep,
    caller: PersonDep,
    browser: Browser = None,
    return_to: ReturnTo = None,
    private: Private = None,
) -> Response:
    """Start connecting an account, in a browser: a cookie binds the OAuth flow to it."""
    row = _offered(gateway, provider)
    settings = gateway.settings
    if caller.via is Via.SESSION:
        # Another page could have signed this browser in at the provider, and so connect its own account.
        refuse_cross_site(request, settings.public_url, also_safe=True, typed=True)
    async with gateway.limits.spending(caller.user_id, WALKS):
        begun = await gateway.walks.begin(
            await _purpose(gateway, caller, row, private),
            row.name,
            browser=browser,
            user_id=caller.user_id,
            in_session=caller.via is Via.SESSION,
            return_to=allowed_return(return_to, home=settings.public_url, origins=settings.return_origins),
        )
    address = page_of(gateway, row, begun, _callback(gateway, row))
    wants_json = "application/json" in request.headers.get("accept", "")
    response = JSONResponse({"authorize_url": address}) if wants_json else RedirectResponse(address, 302)
    begun.remember(response)
    return response


async def signed_in(request: Request, credentials: Bearer, session: SessionCookie) -> Caller | None:
    """Who comes back from the provider, if they are signed in here; a JWT's bearer comes back without it."""
    try:
        return await caller(request, credentials, session)
    except UnauthorizedError:
        return None


@router.get(
    "/{provider}/callback/",
    response_model=ConnectionAnswer,
    responses={
        200: {"description": "The account is connected; `missing_scopes` were requested and not granted."},
        303: {
            "description": "Redirects to `return_to` with `connected`, or with `error_code` if it failed.",
            "content": {},
        },
        **errors(400, 404, 424, 429, 502),
    },
    openapi_extra=PUBLIC,
)
async def finish_connecting(
    provider: str,
    gateway: GatewayDep,
    caller: Annotated[Caller | None, Depends(signed_in)],
    answer: AnswerDep,
    browser: Browser = None,
) -> Response:
    """Where the provider sends the browser back to."""
    row = _offered(gateway, provider)
    done = await gateway.walks.finish(
        CONNECTING, row.name, state=answer.state, browser=browser, caller_id=caller.user_id if caller else None
    )
    try:
        connection = await _connected(gateway, row, done, answer)
    except ImportProblem as problem:
        if done.return_to is None:
            raise
        return back_to(done.return_to, provider=row.name, error_code=problem.body()["error_code"])
    told = ConnectionAnswer.of(row, connection)
    if done.return_to is None:
        return JSONResponse(told.model_dump(mode="json"))
    missing = {"missing_scopes": " ".join(told.missing_scopes)} if told.missing_scopes else {}
    return back_to(done.return_to, connected=row.name, **missing)


@router.delete("/{provider}/", status_code=204, responses=errors(403, 404))
async def disconnect(provider: str, gateway: GatewayDep, caller: PersonDep) -> Response:
    """Disconnect an account: its tokens are revoked at the provider and erased here."""
    if not await gateway.accounts.tokens.disconnect(caller.user_id, provider):
        raise NotFoundError("No account of this provider is connected.")
    return Response(status_code=204)


async def _connected(gateway: Gateway, row: Provider, done: Walk, answer: Answer) -> Connection:
    refused = ConsentRefusedError(
        f"{row.title} was not connected: the access was not allowed.", action=f"connect_{row.name}"
    )
    if done.user_id is None:  # no walk to connect begins without a member
        raise refused
    grant, account = await consented(gateway, row, done, answer, _callback(gateway, row), otherwise=refused)
    connection = await gateway.accounts.tokens.connect(done.user_id, row, account, grant, done.purpose)
    await gateway.sources.retry_unreadable(done.user_id, row.name)
    return connection


async def _purpose(gateway: Gateway, caller: Caller, row: Provider, private: bool | None) -> Purpose:
    """Who connects again is asked for no less than before, unless they say so: what waits for it may need it."""
    if not row.offers(Purpose.PRIVATE):
        return Purpose.CONNECT
    if private is None:
        before = await gateway.accounts.connections.find(caller.user_id, row.name)
        private = before is not None and not row.missing(Purpose.PRIVATE, before.scopes)
    return Purpose.PRIVATE if private else Purpose.CONNECT


def _offered(gateway: Gateway, provider: str) -> Provider:
    row = gateway.accounts.offered.get(provider)
    if row is None:
        raise NotFoundError("Accounts of this provider cannot be connected here.")
    return row


def _callback(gateway: Gateway, row: Provider) -> str:
    return f"{gateway.settings.public_url}{PREFIX}/{row.name}/callback/"
