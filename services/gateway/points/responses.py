"""What clients get of a member's points."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.gateway.web import examples
from services.gateway.web.responses import like_example


class PointsEntry(BaseModel):
    id: UUID
    project_id: UUID
    points: int
    reason: str
    awarded_at: datetime


class PointsResponse(BaseModel):
    model_config = like_example(examples.POINTS)

    total: int = Field(description="The sum of all entries, not only of those on this page.")
    entries: list[PointsEntry]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")
