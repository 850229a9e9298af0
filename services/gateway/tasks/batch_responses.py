"""What clients get of a batch: a parent task, summed from its children whenever it is asked for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from kit.mongo import Document
from records.batches import BatchRecord, ListingBatch, is_listing
from records.imports import PERCENT, TERMINAL, State
from services.gateway.tasks.responses import (
    TASKS,
    Accepted,
    CompletedTask,
    FailedTask,
    PendingTask,
    ProcessingTask,
    Task,
    points,
    task,
)
from services.gateway.web import examples


class RefusedLink(BaseModel):
    """A link that was refused, and why, in the shape of every error. A duplicate also has `project_url`."""

    model_config = ConfigDict(extra="allow")

    url: str = Field(description="The refused link, as the request had it.")
    success: Literal[False] = False
    error: str
    error_code: str
    action: str
    suggestion: str


class AcceptedLink(BaseModel):
    url: str = Field(description="The canonical form of the accepted link.")
    task_id: UUID
    status_url: str


class AcceptedBatch(Accepted):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.ACCEPTED_BATCH]})

    kind: Literal["batch"] = "batch"
    children: list[AcceptedLink]
    refused: list[RefusedLink]

    @classmethod
    def of(cls, record: Document) -> Self:
        children = [{**child, "status_url": f"{TASKS}/{child['task_id']}/"} for child in record["children"]]
        base = Accepted.of(record).model_dump()
        return cls.model_validate({**base, "children": children, "refused": record["refused"]})


class BatchTask(BaseModel):
    """The parent task of several imports. It ends when all of them have ended, and fails if none of them completed."""

    kind: Literal["batch"] = "batch"
    task_id: UUID
    integration: str
    version: int = Field(description="A number that grows with every change of a child.")
    created_at: datetime
    updated_at: datetime
    status: State
    progress: int = Field(
        ge=0, le=100, description="The mean progress of the children, in percent; a child that has ended counts as 100."
    )
    message: str
    url: str | None = Field(None, description="The channel whose videos are the children.")
    total: int = Field(description="The number of links in the request, or of videos that the channel lists.")
    completed: int
    failed: int
    points: int = Field(description="The points that all children earned.")
    children: list[Task]
    refused: list[RefusedLink]
    error: str | None = Field(None, description="Why the channel could not be read; the next four fields belong to it.")
    error_code: str | None = None
    action: str | None = None
    suggestion: str | None = None
    retry_at: datetime | None = Field(None, description="The time of the next automatic try, if the task has to wait.")


AnyTask = Annotated[Task | BatchTask, Field(discriminator="kind")]


class TaskPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.TASK_PAGE]})

    # Not `AnyTask`, whose discriminators, one in the other, OpenAPI has no words for.
    tasks: list[PendingTask | ProcessingTask | CompletedTask | FailedTask | BatchTask] = Field(
        description="The tasks, each as its own address answers it."
    )
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")


def batch_task(batch: BatchRecord, children: Sequence[Document], username: str) -> BatchTask:
    states = Counter(State(child["state"]) for child in children)
    status, message = _status(states), _message(states, len(batch["refused"]))
    updated_at, of_listing = batch["created_at"], {}
    if is_listing(batch):
        updated_at, of_listing = batch["updated_at"], _listing_fields(batch)
        if batch["state"] == State.PROCESSING:
            status, message = State.PROCESSING, batch["message"]
        elif batch["state"] == State.FAILED:
            status, message = State.FAILED, batch["error"]["error"]
        elif not children:  # a channel without videos
            status = State.COMPLETED
    return BatchTask(
        task_id=batch["_id"],
        integration=batch["integration"],
        version=version_of(batch, children),
        created_at=batch["created_at"],
        updated_at=max([updated_at, *(child["updated_at"] for child in children)]),
        status=status,
        progress=_mean(children, 100 if not is_listing(batch) or batch["state"] == State.COMPLETED else 0),
        message=message,
        total=len(children) + len(batch["refused"]),
        completed=states[State.COMPLETED],
        failed=states[State.FAILED],
        points=sum(points(child) for child in children),
        children=[task(child, username) for child in children],
        refused=batch["refused"],
        **of_listing,
    )


def version_of(batch: BatchRecord, children: Sequence[Document]) -> int:
    """Sum the children's versions and the listing's. Each only grows, and so the sum does."""
    listing: int = batch["version"] if is_listing(batch) else 0
    return listing + sum(child["version"] for child in children) or 1


def is_listed(batch: BatchRecord) -> bool:
    """Whether all children are known: always those of links, and a channel's once its listing has ended."""
    return not is_listing(batch) or batch["state"] in TERMINAL


def ended(batch: BatchRecord, children: Sequence[Document]) -> bool:
    return is_listed(batch) and all(child["state"] in TERMINAL for child in children)


def _listing_fields(batch: ListingBatch) -> dict[str, Any]:
    error: Mapping[str, Any] = batch.get("error", {})
    return {"url": batch["url"], "retry_at": batch.get("retry_at"), **error}


def _mean(children: Sequence[Document], without: int) -> int:
    return sum(_percent(child) for child in children) // len(children) if children else without


def _percent(child: Document) -> int:
    return 100 if child["state"] in TERMINAL else PERCENT[child["progress"]]


def _status(states: Counter[State]) -> State:
    if states[State.PROCESSING] or (states[State.PENDING] and len(states) > 1):
        return State.PROCESSING
    if states[State.PENDING]:
        return State.PENDING
    return State.COMPLETED if states[State.COMPLETED] else State.FAILED


def _message(states: Counter[State], refused: int) -> str:
    parts = [f"{states[State.COMPLETED]} of {states.total()} imported"]
    if failed := states[State.FAILED]:
        parts.append(f"{failed} failed")
    if refused:
        parts.append(f"{refused} refused")
    return ", ".join(parts)
