"""What members see of one another, and of feed agents: profiles, and the newest of everybody's projects."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from records.users import UserRecord
from services.gateway.members.responses import Me, ProfileLink
from services.gateway.members.service import Kind
from services.gateway.projects.responses import ProjectSummary
from services.gateway.web import examples


class Owner(BaseModel):
    username: str
    display_name: str
    kind: Kind
    avatar_url: str | None

    @classmethod
    def of(cls, user: UserRecord) -> Self:
        return cls.model_validate(Me.of(user).model_dump(include=set(cls.model_fields)))


class Profile(Owner):
    """The public profile of a member or an agent."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROFILE]})

    links: list[ProfileLink]
    created_at: datetime
    points: int | None = Field(None, description="The member's points; null for an agent, which earns none.")
    projects: list[ProjectSummary] = Field(description="The projects on the public page, newest first.")
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page of projects.")
