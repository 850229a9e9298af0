"""What the caller's own GitHub account holds."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response

from integrations.connections.tokens import FreshToken
from integrations.credentials import Credentials
from integrations.repositories import Page, Repositories
from kit.errors import IntegrationAuthError, TokenRefusedError
from services.gateway.auth.dependencies import CallerDep
from services.gateway.connections import repositories
from services.gateway.connections.responses import RepositoryPage, UnreadRepository
from services.gateway.connections.service import Accounts, AccountsDep
from services.gateway.web.openapi import errors
from services.gateway.web.pagination import link_next
from services.gateway.web.provided import DatabaseDep

PROVIDER = "github"
PATH = "/api/v1/github/repos/"

router = APIRouter(tags=["connections"])

At = Annotated[str, Query(max_length=1_000, description="The `next_page` of the page before, or a page number from 1.")]
Words = Annotated[str, Query(max_length=200, description="Only repositories with all these words.")]


@router.get(PATH, responses=errors(404, 424, 429, 502))
async def browse_repositories(
    response: Response,
    db: DatabaseDep,
    accounts: AccountsDep,
    caller: CallerDep,
    page: At = "1",
    q: Words = "",
) -> RepositoryPage:
    """Your repositories, those pushed to last first, with the projects that you have of them.

    Private ones are among them once you have connected GitHub with `private`. With `q` a page may be short, or
    empty, while more follow.
    """
    token = await accounts.tokens.fresh(caller.user_id, PROVIDER)
    try:
        found = await _find(accounts, token, page, q)
    except TokenRefusedError:
        token = token and await accounts.tokens.refused(token)
        try:
            found = await _find(accounts, token, page, q)
        except TokenRefusedError:
            raise (await accounts.tokens.refused_again(token) if token else _not_connected()) from None
    if token is not None:
        await accounts.tokens.accepted(token)
    link_next(response, PATH, found.next, parameter="page", q=q or None)
    return RepositoryPage(
        repositories=await repositories.with_imports(db, caller, PROVIDER, found.repositories),
        skipped=[UnreadRepository(**asdict(one)) for one in found.skipped],
        next_page=found.next,
        private=_private(accounts, token),
    )


async def _find(accounts: Accounts, token: FreshToken | None, page: str, words: str) -> Page:
    if token is None:
        raise _not_connected()
    credentials = Credentials(token.token, token.account_id, token.user_id)
    private = _private(accounts, token)
    return await repositories.find(_listed(accounts), accounts.http, credentials, page, words, private=private)


def _not_connected() -> IntegrationAuthError:
    return IntegrationAuthError(
        "GitHub is not connected.", action="connect_github", suggestion="Connect GitHub to see your repositories."
    )


def _private(accounts: Accounts, token: FreshToken | None) -> bool:
    return token is not None and _listed(accounts).private_scope in token.scopes


def _listed(accounts: Accounts) -> Repositories:
    listed = accounts.registry.get(PROVIDER).repositories
    assert listed is not None  # noqa: S101  # the address is of an integration that lists them
    return listed
