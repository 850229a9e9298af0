"""What clients get. Each model builds itself from its record in MongoDB."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from kit.mongo import Document
from records.projects import private, upstream_changes
from schemas.content import AnyProjectType, CoverBlock, Project, Url
from services.gateway.web import examples
from services.gateway.web.responses import like_example


class ProjectBase(BaseModel):
    """Where a stored project is, when it changed, and how its original stands."""

    url: str = Field(description="/{username}/{slug}")
    created_at: datetime
    updated_at: datetime
    source_state: Literal["there", "gone", "private"] = Field(
        "there",
        description="Whether the original still exists. Only the owner sees the project of a private one.",
    )

    @classmethod
    def of(cls, record: Document, username: str) -> Self:
        url = f"/{username}/{record['slug']}"
        return cls.model_validate({**record, "id": record["_id"], "url": url, "is_private": private(record)})


class UpstreamChanges(BaseModel):
    """What the upstream says instead of what you have edited."""

    title: str | None = None
    description: str | None = None
    is_private: Literal[True] | None = None


class ProjectResponse(ProjectBase, Project):
    """A project with all its content."""

    id: UUID
    slug: str
    edited: list[str] = Field(
        [], description="The fields that the owner edited and no sync overwrites; only the owner sees them."
    )
    upstream_changes: UpstreamChanges | None = Field(
        None, description="The upstream's values of the edited fields; only the owner sees them."
    )
    formerly: Url | None = Field(None, exclude=True)
    source_private: bool = Field(False, exclude=True)
    external_id: str = Field("", exclude=True)

    model_config = ConfigDict(title="Project", json_schema_extra={"examples": [examples.PROJECT]})

    @classmethod
    def of(cls, record: Document, username: str, *, own: bool = False) -> Self:
        """`own` where it is for its owner."""
        offered = upstream_changes(record) or None
        shown = {**record, "edited": sorted(record.get("edited", ())), "upstream_changes": offered}
        if not own:
            del shown["edited"], shown["upstream_changes"]
        return super().of(shown, username)._with_its_title()

    def _with_its_title(self) -> Self:
        """The cover shows what the title says, whoever wrote it."""
        blocks = tuple(
            block.model_copy(update={"title": self.title}) if isinstance(block, CoverBlock) else block
            for block in self.content.blocks
        )
        return self.model_copy(update={"content": self.content.model_copy(update={"blocks": blocks})})


class ProjectSummary(ProjectBase):
    """A project in a list: without its content."""

    id: UUID
    slug: str
    type: str
    title: str
    description: str
    external_url: str
    is_showcase: bool
    is_private: bool
    banner_url: str | None = None
    featured_image_url: str | None = None
    technologies: tuple[str, ...] = ()
    project_type: AnyProjectType
    platform: str | None = None


class Imported(BaseModel):
    model_config = like_example(examples.IMPORTED)

    success: Literal[True] = True
    project: ProjectResponse


class ProjectPage(BaseModel):
    model_config = like_example(examples.PROJECTS)

    projects: list[ProjectSummary]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")
