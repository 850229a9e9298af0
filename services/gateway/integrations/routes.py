"""What can be imported."""

from fastapi import APIRouter

from services.gateway.auth.dependencies import CallerDep
from services.gateway.integrations.responses import IntegrationList, IntegrationResponse
from services.gateway.integrations.service import RegistryDep
from services.gateway.web.openapi import errors

router = APIRouter(prefix="/api/v1/integrations", tags=["integrations"])


@router.get("/", responses=errors())
async def list_integrations(registry: RegistryDep, caller: CallerDep) -> IntegrationList:
    """The supported providers, and which of them can be followed."""
    return IntegrationList(
        integrations=[
            IntegrationResponse(name=one.name, title=one.title, supports_auto_sync=one.supports_auto_sync)
            for one in registry.list_all()
        ]
    )
