"""What clients get of everybody's projects."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from kit.mongo import Document
from records.users import UserRecord
from services.gateway.members.profiles import Owner
from services.gateway.projects.responses import ProjectSummary
from services.gateway.web import examples


class ExploreProject(ProjectSummary):
    owner: Owner

    @classmethod
    def by(cls, record: Document, owner: UserRecord) -> Self:
        return cls.of({**record, "owner": Owner.of(owner)}, owner["username"])


class ExplorePage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXPLORE]})

    projects: list[ExploreProject]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")
