"""The record of an import."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from records.imports import DONE, FAILS_BELOW, PERCENT, PROGRESS, TERMINAL, State, pending, requested
from schemas.events import EVENTS, ImportFailed, ImportRequested, Options, SourceSynced, SyncRequested
from schemas.journey import JOURNEY

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RECORD = pending(
    task_id=UUID(int=1),
    user_id="u",
    url="https://github.com/a/b",
    integration="github",
    options=Options(is_showcase=False),
    released=True,
    now=NOW,
)


def test_a_new_import_is_pending_and_unpublished() -> None:
    assert RECORD["state"] is State.PENDING
    assert RECORD["active"] is True
    assert RECORD["published"] is False
    assert RECORD["progress"] == 0
    assert State.PENDING not in TERMINAL


def test_the_command_of_a_record_is_always_the_same() -> None:
    command = requested(RECORD)
    assert command.id == requested({**RECORD, "version": 7, "state": State.PROCESSING}).id
    assert command == ImportRequested(
        id=command.id,
        import_id=UUID(int=1),
        user_id="u",
        url="https://github.com/a/b",
        options=Options(is_showcase=False),
        requested_at=NOW,
    )


def test_every_event_that_moves_an_import_has_a_rank_and_no_other_has() -> None:
    silent = {ImportFailed, SourceSynced, SyncRequested}
    assert set(PROGRESS) == {event.topic for event in EVENTS if event not in silent}


def test_ranks_and_percents_grow_along_the_journey() -> None:
    in_order = [PROGRESS[event.topic] for event in EVENTS if event.topic in PROGRESS]
    assert in_order == sorted(in_order)
    assert [rank for rank, _, _ in in_order] == list(range(1, DONE + 1))
    assert PERCENT[0] == 0
    assert PERCENT[DONE] == 100


@pytest.mark.parametrize("stage", FAILS_BELOW)
def test_a_stages_failure_ranks_below_the_event_that_the_stage_would_have_sent(stage: str) -> None:
    (step,) = (step for step in JOURNEY if step.stage == stage)
    assert FAILS_BELOW[stage] == PROGRESS[step.emits[0].topic][0]


def test_every_stage_of_the_journey_can_fail() -> None:
    assert set(FAILS_BELOW) == {step.stage for step in JOURNEY if step.consumes} - {"projector"}
