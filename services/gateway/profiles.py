"""What members see of one another, and of feed agents: profiles, and the newest of everybody's projects."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic.json_schema import SkipJsonSchema

from kit.mongo import Document
from services.gateway import examples
from services.gateway.answers import ProjectSummary
from services.gateway.member_answers import PRINTABLE, Me, ProfileLink
from services.gateway.users import Kind


def _prose(text: str) -> str:
    """Lines of plain text."""
    if not all(line.isprintable() for line in text.replace("\t", " ").splitlines()):
        raise ValueError("contains characters that cannot be shown")
    return text


Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(_prose), PRINTABLE
]
Description = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=5_000), AfterValidator(_prose), PRINTABLE
]


class ProjectPatch(BaseModel):
    """The fields to change; a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.PROJECT_PATCH]})

    title: Title | None = Field(None, description="The project's title; null takes the upstream's.")
    description: Description | None = Field(None, description="The project's description; null takes the upstream's.")
    is_private: Annotated[bool, Field(strict=True)] | SkipJsonSchema[None] = Field(
        None, description="Whether only you can see the project."
    )
    is_showcase: Annotated[bool, Field(strict=True)] | SkipJsonSchema[None] = Field(
        None, description="Whether the project is shown on your public page."
    )

    @field_validator("is_private", "is_showcase", mode="before")
    @classmethod
    def _not_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be null")
        return value


class Owner(BaseModel):
    username: str
    display_name: str
    kind: Kind
    avatar_url: str | None

    @classmethod
    def of(cls, user: Document) -> Self:
        return cls.model_validate(Me.of(user).model_dump(include=set(cls.model_fields)))


class ExploreProject(ProjectSummary):
    owner: Owner

    @classmethod
    def by(cls, record: Document, owner: Document) -> Self:
        return cls.of({**record, "owner": Owner.of(owner)}, owner["username"])


class ExplorePage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXPLORE]})

    projects: list[ExploreProject]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")


class Profile(Owner):
    """The public profile of a member or an agent."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROFILE]})

    links: list[ProfileLink]
    created_at: datetime
    points: int | None = Field(None, description="The member's points; null for an agent, which earns none.")
    projects: list[ProjectSummary] = Field(description="The projects on the public page, newest first.")
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page of projects.")
