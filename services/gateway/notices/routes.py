"""What the caller has to know, and nobody asked for."""

from fastapi import APIRouter

from records.notices import notices
from services.gateway.auth.dependencies import CallerDep
from services.gateway.notices.responses import NoticeList, NoticeResponse
from services.gateway.web.openapi import errors
from services.gateway.web.provided import DatabaseDep

MOST = 100

router = APIRouter(prefix="/api/v1/notices", tags=["connections"])


@router.get("/", responses=errors())
async def list_notices(db: DatabaseDep, caller: CallerDep) -> NoticeList:
    """Notices that need your action, such as an account to connect again. A notice disappears with its cause."""
    records = notices(db).find({"user_id": caller.user_id}).sort("created_at", -1).limit(MOST)
    return NoticeList(notices=[NoticeResponse.model_validate(record) async for record in records])
