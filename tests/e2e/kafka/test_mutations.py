"""Each fault that loses messages, or lets one record stop the others, turns the suite red; without one it is green."""

from pathlib import Path

import pytest

from tests.e2e.kafka import mutants
from tests.e2e.kafka.mutants import Mutant, grow, run_against

KILL_9 = "tests/e2e/kafka/test_members.py::test_kill_9_loses_nothing"
PUBLISHED_FIRST = "tests/e2e/kafka/test_members.py::test_what_is_returned_is_published_before_its_input_is_committed"
EARLY_RECORDS = (
    "tests/unit/kafka/test_rebalance.py::test_records_that_come_before_the_assignment_is_announced_are_fetched_again"
)
ANNOUNCED_LATE = "tests/e2e/kafka/test_members.py::test_what_comes_before_its_assignment_is_announced_is_not_lost"
FAILED_POLL = "tests/unit/kafka/test_undecodable.py::test_what_a_failed_poll_had_in_hand_is_fetched_again[later]"
FIRST_POLL = (
    "tests/unit/kafka/test_undecodable.py::test_what_a_failed_poll_had_in_hand_is_fetched_again[at the first poll]"
)
UNDECODABLE = "tests/e2e/kafka/test_undecodable.py::test_a_record_that_cannot_be_decoded_costs_no_other"
KILLER = "tests/e2e/kafka/test_deaths.py::test_a_record_that_kills_its_consumer_again_and_again_is_parked"
KILLERS = "tests/unit/kafka/test_suspects.py::test_a_record_that_kills_its_consumer_is_parked_and_no_other_is"
UNWRITTEN = "tests/unit/kafka/test_suspects.py::test_a_suspect_is_not_begun_while_its_count_cannot_be_written"
OPEN = (
    "tests/unit/kafka/test_suspects.py"
    "::test_an_assignment_is_open_before_anything_of_it_is_begun_and_closed_when_it_is_let_go"
)
BEYOND = "tests/unit/kafka/test_places.py::test_an_offset_beyond_the_end_is_followed_by_what_is_new_and_by_nothing_old"
REALLY_BEYOND = "tests/e2e/kafka/test_places.py::test_an_offset_beyond_the_end_does_not_bring_the_whole_topic_back"
PROBE = "tests/unit/kafka/test_health.py::test_a_probe_that_ends_without_a_verdict_makes_room_for_the_next"
LOSSES = (KILL_9, PUBLISHED_FIRST, EARLY_RECORDS, ANNOUNCED_LATE, FAILED_POLL, FIRST_POLL, UNDECODABLE)
ALL = (*LOSSES, KILLER, KILLERS, UNWRITTEN, OPEN, BEYOND, REALLY_BEYOND, PROBE)


@pytest.mark.long
@pytest.mark.parametrize(
    ("mutant", "tests", "reds"),
    [
        (mutants.CONTROL, ALL, 0),
        (mutants.COMMITS_DELIVERED, (KILL_9,), 1),
        (mutants.COMMITS_BEFORE_PUBLISHING, (KILL_9,), 1),
        (mutants.COMMITS_BEFORE_PUBLISHING, (PUBLISHED_FIRST,), 1),
        (mutants.DROPS_EARLY_RECORDS, (EARLY_RECORDS,), 1),
        (mutants.DROPS_EARLY_RECORDS, (ANNOUNCED_LATE,), 1),
        (mutants.TRUSTS_FAILED_POLLS, (FAILED_POLL,), 1),
        (mutants.TRUSTS_FAILED_POLLS, (FIRST_POLL,), 1),
        (mutants.TRUSTS_FAILED_POLLS, (UNDECODABLE,), 1),
        (mutants.COUNTS_NO_DEATHS, (KILLER,), 1),
        (mutants.COUNTS_NO_DEATHS, (KILLERS,), 1),
        (mutants.COUNTS_AFTERWARDS, (UNWRITTEN,), 1),
        (mutants.KEEPS_COMPANY, (KILLERS,), 1),
        (mutants.OPENS_NOTHING, (OPEN,), 1),
        (mutants.STARTS_OVER, (BEYOND,), 1),
        (mutants.STARTS_OVER, (REALLY_BEYOND,), 1),
        (mutants.LOSES_PROBES, (PROBE,), 1),
    ],
    ids=lambda value: value.name if isinstance(value, Mutant) else None,
)
def test_the_fault_is_noticed(mutant: Mutant, tests: tuple[str, ...], reds: int, kafka: str, tmp_path: Path) -> None:
    done = run_against(grow(mutant, tmp_path), *tests, environment={"KAFKA_BOOTSTRAP_SERVERS": kafka})
    summary = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr
    told = f"{done.stdout[-3_000:]}{done.stderr[-1_000:]}"
    assert done.returncode == (1 if reds else 0), told
    assert "error" not in summary, told  # red because a test failed, not because nothing could run
    assert ("1 failed" in summary) == bool(reds), told
