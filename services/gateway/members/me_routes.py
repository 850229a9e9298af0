"""The caller themselves."""

from fastapi import APIRouter

from services.gateway.auth.dependencies import CallerDep
from services.gateway.members.responses import Me, MePatch
from services.gateway.services import GatewayDep
from services.gateway.web.openapi import errors

router = APIRouter(prefix="/api/v1/me", tags=["me"])


@router.get("/", responses=errors())
async def read_me(gateway: GatewayDep, caller: CallerDep) -> Me:
    """Who you are here."""
    return Me.of(await gateway.users.read(caller.user_id))


@router.patch("/", responses=errors(403, 413))
async def change_me(body: MePatch, gateway: GatewayDep, caller: CallerDep) -> Me:
    """Change your display name, picture or links."""
    changes = body.model_dump(exclude_unset=True)
    users = gateway.users
    return Me.of(await (users.change(caller.user_id, changes) if changes else users.read(caller.user_id)))
