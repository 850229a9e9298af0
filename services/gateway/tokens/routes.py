"""Personal API tokens, for scripts. One token never makes or revokes another."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Response

from services.gateway.auth.dependencies import PersonDep
from services.gateway.tokens.responses import CreatedToken, TokenBody, TokenList, TokenResponse
from services.gateway.tokens.service import ApiTokensDep
from services.gateway.web.openapi import errors

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"])


@router.post("/", status_code=201, responses=errors(403, 409, 413))
async def create_token(body: TokenBody, tokens: ApiTokensDep, caller: PersonDep) -> CreatedToken:
    """A new token, which acts for you until it expires or you revoke it. It is shown this once."""
    lifetime = timedelta(days=body.expires_in_days)
    token, record = await tokens.create(caller.user_id, body.name, lifetime)
    return CreatedToken.of(record, token=token)


@router.get("/", responses=errors(403))
async def list_tokens(tokens: ApiTokensDep, caller: PersonDep) -> TokenList:
    """Your tokens, newest first, without their secrets. Expired ones stay for thirty days."""
    return TokenList(tokens=[TokenResponse.of(one) for one in await tokens.list(caller.user_id)])


@router.delete("/{token_id}/", status_code=204, responses=errors(403, 404))
async def revoke_token(token_id: UUID, tokens: ApiTokensDep, caller: PersonDep) -> Response:
    """Revokes the token at once."""
    await tokens.revoke(caller.user_id, token_id)
    return Response(status_code=204)
