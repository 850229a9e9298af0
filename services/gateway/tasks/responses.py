"""What clients get of an import's task."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from kit.mongo import Document
from records.imports import PERCENT, State
from services.gateway.web import examples
from services.gateway.web.responses import like_example

TASKS = "/api/v1/integrations/tasks"


class Accepted(BaseModel):
    model_config = like_example(examples.ACCEPTED)

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


def task(record: Mapping[str, Any], username: str) -> PendingTask | ProcessingTask | CompletedTask | FailedTask:
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


def points(record: Mapping[str, Any]) -> int:
    return int(record.get("points") or 0)
