"""The outcome of one sync: the shape between what the upstream said and what MongoDB keeps."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID, uuid5

from kit.errors import (
    BudgetSpentError,
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    ReauthRequiredError,
)
from kit.mongo import Document
from records.sources.record import SourceState
from schemas.content import Item
from schemas.events import UpstreamStatus

_DELETED = {
    "reason": "You deleted the project of this item.",
    "suggestion": "Import the item by its own link to get the project back.",
}


class RunOutcome(StrEnum):
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    FAILED = "failed"


class ItemOutcome(StrEnum):
    REQUESTED = "requested"  # emitted as the import `import_id`
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"  # for a `reason`
    GONE = "gone"
    PRIVATE = "private"


def child_import(run_id: UUID, external_id: str) -> UUID:
    """Return the id of the import that an item of a run begins."""
    return uuid5(run_id, external_id)


def entry(
    outcome: ItemOutcome,
    external_id: str,
    url: str,
    title: str,
    *,
    reason: str = "",
    suggestion: str = "",
    import_id: UUID | None = None,
) -> Document:
    """Return an entry of a run's `items`."""
    item: Document = {"external_id": external_id, "url": url, "title": title, "outcome": outcome}
    more = {"reason": reason, "suggestion": suggestion, "import_id": import_id}
    return item | {name: value for name, value in more.items() if value}


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """The first half changes the source, the second half fills the run.

    `state` is None if the source could not be read until `retry_at`: its state then stays. `counted` is set if the
    upstream limited us, and not our own budget. `private` and `hidden` are set if others may not, or may no longer, see
    the source; hidden is one that has been gone for so long that it may have become private.
    """

    state: SourceState | None
    reason: str | None = None  # words for the member
    retry_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)  # added to the source's
    cursor: Mapping[str, Any] | None = None  # replaces the source's
    url: str | None = None  # the new canonical link of a source that moved
    display_name: str | None = None
    connection: str | None = None  # the provider whose account is needed to read it
    private: bool = False
    counted: bool = False
    hidden: bool = False

    items: tuple[Item, ...] = ()  # to emit: new or changed
    entries: tuple[Document, ...] = ()  # for the run, at most `MAX_ENTRIES`
    standings: tuple[UpstreamStatus, ...] = ()  # changed statuses of items that are not emitted
    left_out: Mapping[str, int] = field(default_factory=dict)  # entries beyond the limit, counted by item outcome
    error: Document | None = None  # an error body

    @classmethod
    def of_problem(cls, problem: ImportProblem) -> Self:
        """Say what the error of a sync means for its source."""
        error = problem.body()
        match problem:
            case RateLimitError():
                counted = not isinstance(problem, BudgetSpentError)
                return cls(None, problem.error, problem.retry_at, counted=counted, error=error)
            case ReauthRequiredError():
                state = SourceState.NEEDS_REAUTH
            case IntegrationAuthError():
                state = SourceState.REVOKED
            case ContentNotFoundError():
                state = SourceState.GONE
            case _:
                state = SourceState.FAILING
        return cls(state, problem.error, error=error)

    @classmethod
    def of_run(cls, run: Document) -> Self:
        """Read what `for_source` stored."""
        state = run["ended"]["state"]
        return cls(**{**run["ended"], "state": state and SourceState(state)})

    @property
    def for_source(self) -> Document:
        return {name: getattr(self, name) for name in _OF_THE_SOURCE}

    @property
    def of_the_run(self) -> RunOutcome:
        if self.error is not None:
            return RunOutcome.FAILED
        return RunOutcome.CHANGED if self.items or self.standings else RunOutcome.UNCHANGED

    def without(self, deleted: Collection[str]) -> Self:
        """Leave out the items (external ids) whose projects their owner deleted."""
        entries = [
            {name: entry[name] for name in ("external_id", "url", "title")}
            | {"outcome": ItemOutcome.SKIPPED}
            | _DELETED
            if entry["external_id"] in deleted and entry["outcome"] == ItemOutcome.REQUESTED
            else entry
            for entry in self.entries
        ]
        items = tuple(item for item in self.items if item.external_id not in deleted)
        return replace(self, items=items, entries=tuple(entries))


_OF_THE_SOURCE = [it.name for it in fields(SyncOutcome)][:11]
