"""The accounts that a member has connected, and the OAuth flow that connects one."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from integrations.connections.model import Connection
from integrations.provider import Provider, Purpose
from kit.errors import ImportProblem
from services.gateway.auth.caller import Caller, Via
from services.gateway.auth.consent import Answer, AnswerDep, Browser, Consents, ConsentsDep, ReturnTo, redirect_back
from services.gateway.auth.csrf import refuse_cross_site
from services.gateway.auth.dependencies import CallerDep, PersonDep, SignedInDep
from services.gateway.auth.oauth_flow import OAuthFlow
from services.gateway.connections.responses import ConnectionList, ConnectionResponse, Started
from services.gateway.connections.service import Accounts, AccountsDep
from services.gateway.sources.service import SourcesDep
from services.gateway.web.errors import ConsentRefusedError, NotFoundError
from services.gateway.web.openapi import PUBLIC, errors
from services.gateway.web.provided import SettingsDep

PREFIX = "/api/v1/connections"
CONNECTING = (Purpose.CONNECT, Purpose.PRIVATE)

router = APIRouter(prefix=PREFIX, tags=["connections"])

Private = Annotated[
    bool | None,
    Query(description="Whether to request access to private content too. By default, if it was granted before."),
]


@router.get("/", responses=errors())
async def list_connections(accounts: AccountsDep, caller: CallerDep) -> ConnectionList:
    """Every provider that can be connected, and how your connection stands."""
    held = {one.provider: one for one in await accounts.connections.list(caller.user_id)}
    offered = accounts.offered.values()
    return ConnectionList(connections=[ConnectionResponse.of(one, held.get(one.name)) for one in offered])


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
    settings: SettingsDep,
    accounts: AccountsDep,
    consents: ConsentsDep,
    caller: PersonDep,
    browser: Browser = None,
    return_to: ReturnTo = None,
    private: Private = None,
) -> Response:
    """Start connecting an account, in a browser: a cookie binds the OAuth flow to it."""
    offered = _offered(accounts, provider)
    if caller.via is Via.SESSION:
        # Another page could have signed this browser in at the provider, and so connect its own account.
        refuse_cross_site(request, settings.public_url, also_safe=True, allow_direct=True)
    page, started = await consents.start(
        offered,
        await _purpose(accounts, caller, offered, private),
        PREFIX,
        counted_for=caller.user_id,
        browser=browser,
        return_to=return_to,
        user_id=caller.user_id,
        in_session=caller.via is Via.SESSION,
    )
    wants_json = "application/json" in request.headers.get("accept", "")
    response = JSONResponse({"authorize_url": page}) if wants_json else RedirectResponse(page, 302)
    started.remember(response)
    return response


@router.get(
    "/{provider}/callback/",
    response_model=ConnectionResponse,
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
    accounts: AccountsDep,
    consents: ConsentsDep,
    sources: SourcesDep,
    caller: SignedInDep,  # a client that sent a JWT comes back without it
    answer: AnswerDep,
    browser: Browser = None,
) -> Response:
    """Where the provider sends the browser back to."""
    offered = _offered(accounts, provider)
    caller_id = caller.user_id if caller else None
    flow = await consents.finish(offered, CONNECTING, answer, browser=browser, caller_id=caller_id)
    try:
        connection = await _connect(accounts, consents, offered, flow, answer)
        await sources.retry_unreadable(connection.user_id, offered.name)
    except ImportProblem as problem:
        if flow.return_to is None:
            raise
        return redirect_back(flow.return_to, provider=offered.name, error_code=problem.body()["error_code"])
    shown = ConnectionResponse.of(offered, connection)
    if flow.return_to is None:
        return JSONResponse(shown.model_dump(mode="json"))
    missing = {"missing_scopes": " ".join(shown.missing_scopes)} if shown.missing_scopes else {}
    return redirect_back(flow.return_to, connected=offered.name, **missing)


@router.delete("/{provider}/", status_code=204, responses=errors(403, 404))
async def disconnect(provider: str, accounts: AccountsDep, caller: PersonDep) -> Response:
    """Disconnect an account: its tokens are revoked at the provider and erased here."""
    if not await accounts.tokens.disconnect(caller.user_id, provider):
        raise NotFoundError("No account of this provider is connected.")
    return Response(status_code=204)


async def _connect(
    accounts: Accounts, consents: Consents, provider: Provider, flow: OAuthFlow, answer: Answer
) -> Connection:
    refused = ConsentRefusedError(
        f"{provider.title} was not connected: the access was not allowed.", action=f"connect_{provider.name}"
    )
    if flow.user_id is None:  # a flow that connects an account always begins with a member
        raise refused
    grant, account = await consents.granted(provider, flow, answer, PREFIX, otherwise=refused)
    return await accounts.tokens.connect(flow.user_id, provider, account, grant, flow.purpose)


async def _purpose(accounts: Accounts, caller: Caller, provider: Provider, private: bool | None) -> Purpose:
    """Choose the scopes to request: by default no fewer than before, as waiting imports may need them."""
    if not provider.offers(Purpose.PRIVATE):
        return Purpose.CONNECT
    if private is None:
        before = await accounts.connections.find(caller.user_id, provider.name)
        private = before is not None and not provider.missing(Purpose.PRIVATE, before.scopes)
    return Purpose.PRIVATE if private else Purpose.CONNECT


def _offered(accounts: Accounts, provider: str) -> Provider:
    offered = accounts.offered.get(provider)
    if offered is None:
        raise NotFoundError("Accounts of this provider cannot be connected here.")
    return offered
