"""What clients send and get of sources and their history."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from kit.imports import State
from kit.mongo import Document
from kit.runs import ItemOutcome, RunOutcome
from kit.sources import Frequency, Reason, SourceState
from schemas.events import Options
from services.gateway import examples
from services.gateway.answers import ErrorAnswer
from services.gateway.member_answers import plain
from services.gateway.requests import Link, Private, Showcase

DisplayName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(plain)
]


class SourceBody(BaseModel):
    """What to follow. The options hold for the projects that come of it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.NEW_SOURCE]})

    url: Link
    sync_frequency: Frequency = Frequency.WEEKLY
    display_name: DisplayName | None = None
    is_showcase: Showcase = True
    is_private: Private = False

    @property
    def options(self) -> Options:
        return Options(is_showcase=self.is_showcase, is_private=self.is_private)


class SourcePatch(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.SOURCE_PATCH]})

    display_name: DisplayName | None = None
    sync_enabled: Annotated[bool, Field(strict=True, description="Whether it is looked at by itself.")] | None = None
    sync_frequency: Frequency | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be null")
        return value


class SourceAnswer(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.SOURCE]})

    id: UUID
    platform: str
    source_identifier: str = Field(description="A channel's id; of everything else the canonical link.")
    url: str = Field(description="Its canonical link.")
    display_name: str
    sync_enabled: bool
    sync_frequency: Frequency
    state: SourceState
    state_reason: str | None = None
    last_synced_at: datetime | None = Field(None, description="When it was last looked at with success.")
    last_checked_at: datetime | None = None
    next_sync_at: datetime | None = Field(None, description="A time in the past: under way. null: only when asked for.")
    next_reason: Reason
    connection: str | None = Field(None, description="The provider whose account it is read with.")
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: Document) -> Self:
        return cls.model_validate({**record, "id": record["_id"]})


class SourcePage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.SOURCES]})

    sources: list[SourceAnswer]
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")


class ItemResult(StrEnum):
    IMPORTED = "imported"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    GONE = "gone"
    PRIVATE = "private"
    PENDING = "pending"  # on its way


class ItemAnswer(BaseModel):
    external_id: str
    url: str
    title: str
    outcome: ItemResult
    reason: str | None = Field(None, description="Why it was skipped, or why it failed.")
    error_code: str | None = None
    task_id: UUID | None = None

    @classmethod
    def of(cls, item: Document, imports: Mapping[UUID, Document]) -> Self:
        if item["outcome"] != ItemOutcome.REQUESTED:
            return cls.model_validate(item)
        task_id = item["import_id"]
        return cls.model_validate({**item, **_became(imports.get(task_id)), "task_id": task_id})


class RunAnswer(BaseModel):
    """One look at a source."""

    id: UUID
    due_at: datetime
    reason: str = Field(description="Why it was looked at.")
    started_at: datetime
    finished_at: datetime
    outcome: RunOutcome
    error: ErrorAnswer | None = None
    cost: dict[str, int] = Field(description="Units of the upstream's allowance, by bucket.")
    changes: dict[ItemResult, int] = Field(description="How many items had which outcome.")
    items: list[ItemAnswer]
    left_out: dict[ItemOutcome, int] = Field({}, description="How many more it had, by outcome.")
    next_sync_at: datetime | None = Field(None, description="As it was planned then.")
    next_reason: str | None = None

    @classmethod
    def of(cls, run: Document, imports: Mapping[UUID, Document]) -> Self:
        items = [ItemAnswer.of(item, imports) for item in run["items"]]
        changes = Counter(item.outcome for item in items)
        return cls.model_validate({**run, "id": run["_id"], "items": items, "changes": changes})


class HistoryPage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.HISTORY]})

    state: SourceState
    state_reason: str | None = None
    last_checked_at: datetime | None = None
    last_synced_at: datetime | None = None
    next_sync_at: datetime | None = None
    next_reason: Reason
    runs: list[RunAnswer] = Field(description="Newest first.")
    next_cursor: str | None = Field(None, description="Send it as `cursor` for the next page.")


def _became(record: Document | None) -> Document:
    """What its import says of an item that was sent on its way."""
    match record and record["state"]:
        case State.COMPLETED:
            created = (record or {})["result"]["created"]
            return {"outcome": ItemResult.IMPORTED if created else ItemResult.UPDATED}
        case State.FAILED:
            error = (record or {})["error"]
            return {"outcome": ItemResult.FAILED, "reason": error["error"], "error_code": error["error_code"]}
    return {"outcome": ItemResult.PENDING}
