"""What clients get of a member's notices."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from services.gateway.web import examples


class NoticeResponse(BaseModel):
    kind: str
    provider: str | None = None
    text: str = Field(description="The notice's text, to show to the member.")
    action: str
    created_at: datetime


class NoticeList(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.NOTICES]})

    notices: list[NoticeResponse]
