"""READ FIRST. The journey of an import: who consumes what, and what comes of it.

Topics are created from this register, and a contract test holds it against what each service really subscribes to.
"""

from dataclasses import dataclass
from datetime import timedelta

from schemas.events import (
    EVENTS,
    MAX_EVENT_BYTES,
    ContentAnalyzed,
    ContentFetched,
    Event,
    ImportFailed,
    ImportRequested,
    PointsAwarded,
    ProjectDrafted,
    ProjectSaved,
    SourceSynced,
    SyncRequested,
)


@dataclass(frozen=True)
class Step:
    stage: str
    consumes: tuple[type[Event], ...]
    emits: tuple[type[Event], ...]


# Every consuming stage may also end an import with ImportFailed, so that is not repeated below.
JOURNEY: tuple[Step, ...] = (
    Step("gateway", (), (ImportRequested,)),  # a member pasted a link
    Step("scheduler", (), (SyncRequested,)),  # a followed source is due
    Step("fetcher", (ImportRequested, SyncRequested), (ContentFetched, SourceSynced)),  # 1 providers' APIs
    Step("analyzer", (ContentFetched,), (ContentAnalyzed,)),  # 2 the language model
    Step("transformer", (ContentAnalyzed,), (ProjectDrafted,)),  # 3 pure, no I/O
    Step("writer", (ProjectDrafted, SourceSynced), (ProjectSaved,)),  # 4 MongoDB
    Step("awarder", (ProjectSaved,), (PointsAwarded,)),  # 5 the points ledger
    Step("projector", EVENTS, ()),  # in the writer's process: every event moves the import's status forward
)

STAGES: tuple[str, ...] = tuple(step.stage for step in JOURNEY if step.consumes)


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int
    retention: timedelta
    max_message_bytes: int


def dead_letters(stage: str) -> str:
    """The topic that keeps what `stage` could not handle, with its original bytes."""
    return f"{stage}.dead-letters"


TOPICS: tuple[Topic, ...] = (
    *(Topic(event.topic, 6, timedelta(days=7), MAX_EVENT_BYTES) for event in EVENTS),
    # One partition: operators read them in order. Room for the context headers beside the original bytes.
    *(Topic(dead_letters(stage), 1, timedelta(days=30), MAX_EVENT_BYTES + 65_536) for stage in STAGES),
)

EVENT_BY_TOPIC: dict[str, type[Event]] = {event.topic: event for event in EVENTS}


def stage_of(topic: str) -> str:
    """The stage that answers for a topic's poison messages: its consumer, else the projector."""
    return next(step.stage for step in JOURNEY if any(event.topic == topic for event in step.consumes))


assert {event for step in JOURNEY for event in step.emits} | {ImportFailed} == set(EVENTS)  # noqa: S101
