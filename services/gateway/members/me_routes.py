"""The caller themselves."""

from fastapi import APIRouter

from services.gateway.auth.dependencies import CallerDep
from services.gateway.members.responses import Me, MePatch
from services.gateway.members.service import UsersDep
from services.gateway.web.openapi import errors

router = APIRouter(prefix="/api/v1/me", tags=["me"])


@router.get("/", responses=errors())
async def read_me(users: UsersDep, caller: CallerDep) -> Me:
    """Who you are here."""
    return Me.of(await users.read(caller.user_id))


@router.patch("/", responses=errors(403, 413))
async def change_me(body: MePatch, users: UsersDep, caller: CallerDep) -> Me:
    """Change your display name, picture or links."""
    changes = body.model_dump(exclude_unset=True)
    return Me.of(await (users.change(caller.user_id, changes) if changes else users.read(caller.user_id)))
