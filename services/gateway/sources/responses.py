"""What clients send and get of sources and their history."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from kit.mongo import Document
from records.imports import State
from records.sources.outcome import ItemOutcome, RunOutcome
from records.sources.record import Frequency, Reason, SourceState
from schemas.events import Options
from services.gateway.imports.requests import Link, Private, Showcase
from services.gateway.web import examples
from services.gateway.web.fields import PRINTABLE, Patch, plain
from services.gateway.web.responses import ErrorResponse, like_example

DisplayName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(plain), PRINTABLE
]


class SourceBody(BaseModel):
    """A link to follow, with options for the projects that its syncs make."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.NEW_SOURCE]})

    url: Link
    sync_frequency: Frequency = Frequency.WEEKLY
    display_name: DisplayName | None = None
    is_showcase: Showcase = True
    is_private: Private = False

    @property
    def options(self) -> Options:
        return Options(is_showcase=self.is_showcase, is_private=self.is_private)


class SourcePatch(Patch):
    """The fields to change; a field that is left out stays as it is."""

    model_config = like_example(examples.SOURCE_PATCH)

    display_name: DisplayName | SkipJsonSchema[None] = None
    sync_enabled: (
        Annotated[bool, Field(strict=True, description="Whether scheduled sync is on.")] | SkipJsonSchema[None]
    ) = None
    sync_frequency: Frequency | SkipJsonSchema[None] = None


class SourceResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.SOURCE]})

    id: UUID
    platform: str
    source_identifier: str = Field(description="The id of a channel; the canonical link of any other source.")
    url: str = Field(description="The source's canonical link.")
    display_name: str
    sync_enabled: bool
    sync_frequency: Frequency
    state: SourceState
    state_reason: str | None = None
    last_synced_at: datetime | None = Field(None, description="When the source was last synced successfully.")
    last_checked_at: datetime | None = None
    next_sync_at: datetime | None = Field(
        None,
        description="When the next sync is due: a past time if it is under way, null if syncs run only on request.",
    )
    next_reason: Reason
    connection: str | None = Field(None, description="The provider whose connected account is used to read the source.")
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: Document) -> Self:
        return cls.model_validate({**record, "id": record["_id"]})


class SourcePage(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.SOURCES]})

    sources: list[SourceResponse]
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


class ItemResponse(BaseModel):
    external_id: str
    url: str
    title: str
    outcome: ItemResult
    reason: str | None = Field(None, description="Why the item was skipped or failed.")
    error_code: str | None = None
    task_id: UUID | None = None

    @classmethod
    def of(cls, item: Document, imports: Mapping[UUID, Document]) -> Self:
        if item["outcome"] != ItemOutcome.REQUESTED:
            return cls.model_validate(item)
        task_id = item["import_id"]
        return cls.model_validate({**item, **_became(imports.get(task_id)), "task_id": task_id})


class RunResponse(BaseModel):
    """One sync of a source."""

    id: UUID
    due_at: datetime
    reason: str = Field(description="Why the sync ran.")
    started_at: datetime
    finished_at: datetime
    outcome: RunOutcome
    error: ErrorResponse | None = None
    cost: dict[str, int] = Field(description="Units of the upstream's allowance that the sync spent, by bucket.")
    changes: dict[ItemResult, int] = Field(description="The number of items with each outcome.")
    items: list[ItemResponse]
    left_out: dict[ItemOutcome, int] = Field(
        {}, description="The number of items that are not listed here, by outcome."
    )
    next_sync_at: datetime | None = Field(None, description="When the next sync was planned, at the end of this one.")
    next_reason: str | None = None

    @classmethod
    def of(cls, run: Document, imports: Mapping[UUID, Document]) -> Self:
        items = [ItemResponse.of(item, imports) for item in run["items"]]
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
    runs: list[RunResponse] = Field(description="The syncs, newest first.")
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
