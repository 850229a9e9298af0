"""The caller's points: a ledger, and its sum."""

import asyncio

from fastapi import APIRouter, Response

from records.point_totals import total_points
from records.points import points
from services.gateway.auth.dependencies import CallerDep
from services.gateway.points.responses import PointsEntry, PointsResponse
from services.gateway.web.openapi import errors
from services.gateway.web.pagination import Cursor, Limit, link_next, newest_first
from services.gateway.web.provided import DatabaseDep

router = APIRouter(prefix="/api/v1", tags=["points"])
PATH = "/points/"


@router.get(PATH, responses=errors())
async def read_points(
    response: Response, db: DatabaseDep, caller: CallerDep, limit: Limit = 20, cursor: Cursor = None
) -> PointsResponse:
    """Your points: the total, and what each was awarded for, newest first."""
    mine = {"user_id": caller.user_id}
    page = newest_first(points(db), mine, by="awarded_at", limit=limit, cursor=cursor)
    (records, following), total = await asyncio.gather(page, total_points(db, caller.user_id))
    link_next(response, router.prefix + PATH, following, limit=limit)
    entries = [PointsEntry.model_validate({**record, "id": record["_id"]}) for record in records]
    return PointsResponse(total=total, entries=entries, next_cursor=following)
