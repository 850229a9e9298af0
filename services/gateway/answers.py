"""What clients get. Each model builds itself from its record in MongoDB."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from kit.imports import PERCENT, State
from kit.mongo import Document
from kit.projects import private, upstream_changes
from schemas.content import CoverBlock, Project, ProjectType, Url
from services.gateway import examples

TASKS = "/api/v1/integrations/tasks"


def _like(example: examples.Example) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class Accepted(BaseModel):
    model_config = _like(examples.ACCEPTED)

    success: Literal[True] = True
    task_id: UUID
    status_url: str
    events_url: str

    @classmethod
    def of(cls, record: Document) -> Self:
        status_url = f"{TASKS}/{record['_id']}/"
        return cls(task_id=record["_id"], status_url=status_url, events_url=f"{status_url}events/")


class TaskBase(BaseModel):
    kind: Literal["import"] = "import"
    task_id: UUID
    url: str = Field(description="The canonical form of the imported link.")
    integration: str
    version: int = Field(description="A number that grows with every change of the task.")
    created_at: datetime
    updated_at: datetime


class PendingTask(TaskBase):
    status: Literal["pending"] = "pending"
    progress: int = Field(0, ge=0, le=100, description="Progress of the import, in percent.")
    message: str


class ProcessingTask(TaskBase):
    status: Literal["processing"] = "processing"
    stage: str
    progress: int = Field(ge=0, le=100, description="Progress of the import, in percent.")
    message: str
    retry_at: datetime | None = Field(
        None,
        validation_alias="deferred_until",
        description="The time of the next automatic try, if the import has to wait.",
    )


class TaskResult(BaseModel):
    status: Literal["completed"] = "completed"
    project_id: UUID
    project_slug: str
    url: str = Field(description="/{username}/{slug}")


class CompletedTask(TaskBase):
    status: Literal["completed"] = "completed"
    progress: Literal[100] = 100
    message: str
    result: TaskResult
    points: int = Field(ge=0, description="The points that this import earned.")


class FailedTask(TaskBase):
    status: Literal["failed"] = "failed"
    progress: int = Field(ge=0, le=100, description="Progress of the import when it failed, in percent.")
    error: str
    error_code: str
    action: str
    suggestion: str
    retry_at: datetime | None = None


Task = Annotated[PendingTask | ProcessingTask | CompletedTask | FailedTask, Field(discriminator="status")]


def task(record: Document, username: str) -> PendingTask | ProcessingTask | CompletedTask | FailedTask:
    base = {**record, "task_id": record["_id"], "progress": PERCENT[record["progress"]]}
    match record["state"]:
        case State.PENDING:
            return PendingTask.model_validate(base)
        case State.PROCESSING:
            return ProcessingTask.model_validate(base)
        case State.COMPLETED:
            project = record["result"]
            result = {
                "project_id": project["project_id"],
                "project_slug": project["slug"],
                "url": f"/{username}/{project['slug']}",
            }
            return CompletedTask.model_validate({**base, "progress": 100, "result": result, "points": points(record)})
        case _:
            return FailedTask.model_validate({**base, **record["error"]})


def points(record: Document) -> int:
    return int(record.get("points") or 0)


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


class ProjectAnswer(ProjectBase, Project):
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
    project_type: ProjectType
    platform: str | None = None


class Imported(BaseModel):
    model_config = _like(examples.IMPORTED)

    success: Literal[True] = True
    project: ProjectAnswer


class ProjectPage(BaseModel):
    model_config = _like(examples.PROJECTS)

    projects: list[ProjectSummary]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")


class PointsEntry(BaseModel):
    id: UUID
    project_id: UUID
    points: int
    reason: str
    awarded_at: datetime


class PointsAnswer(BaseModel):
    model_config = _like(examples.POINTS)

    total: int = Field(description="The sum of all entries, not only of those on this page.")
    entries: list[PointsEntry]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")


class IntegrationAnswer(BaseModel):
    name: str
    title: str = Field(description="The provider's name, to show to people.")
    supports_auto_sync: bool


class IntegrationList(BaseModel):
    model_config = _like(examples.INTEGRATIONS)

    integrations: list[IntegrationAnswer]


class ErrorAnswer(BaseModel):
    """The body of every error. Some have more fields: `project_url` for a duplicate, `retry_at` where waiting helps."""

    model_config = ConfigDict(extra="allow")

    success: Literal[False] = False
    error: str
    error_code: str
    action: str
    suggestion: str
