"""Whose turn it is."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from records.imports import ImportRecord, pending
from schemas.events import Options
from services.scheduler.due import to_release

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def waiting(user: str, minute: int, priority: int = 0) -> ImportRecord:
    return pending(
        task_id=uuid4(), user_id=user, url="https://github.com/a/b", integration="github", options=Options(),
        released=False, priority=priority, now=NOW + timedelta(minutes=minute),
    )  # fmt: skip


def names(records: list[ImportRecord]) -> str:
    return "".join(record["user_id"] for record in records)


def test_members_take_turns_however_much_one_of_them_pasted() -> None:
    flood = [waiting("a", minute) for minute in range(100)]
    assert names(to_release([*flood, waiting("b", 200), waiting("c", 300)], {}, 50)[:5]) == "abcaa"


def test_a_members_own_go_oldest_first() -> None:
    records = [waiting("a", minute) for minute in (3, 1, 2)]
    assert [r["created_at"].minute for r in to_release(records, {}, 50)] == [1, 2, 3]


def test_what_somebody_waits_for_goes_before_bulk() -> None:
    bulk, interactive = waiting("a", 0, priority=1), waiting("b", 9)
    assert to_release([bulk, interactive], {}, 50) == [interactive, bulk]


def test_the_share_counts_what_is_under_way_already() -> None:
    records = [waiting("a", minute) for minute in range(5)] + [waiting("b", 9)]
    assert names(to_release(records, {"a": 1}, 3)) == "aba"
    assert names(to_release(records, {"a": 3}, 3)) == "b"
    assert names(to_release(records, {"a": 7}, 3)) == "b", "a share that was lowered meanwhile"


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 59), st.integers(0, 2)), max_size=40),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9)),
    st.integers(1, 9),
)
def test_nobody_gets_more_than_a_share_and_nobody_with_room_gets_nothing(
    pasted: list[tuple[str, int, int]], in_flight: dict[str, int], per_user: int
) -> None:
    records = [waiting(*each) for each in pasted]
    chosen = to_release(records, in_flight, per_user)
    for user in "abcd":
        wanted = sum(record["user_id"] == user for record in records)
        room = max(0, per_user - in_flight.get(user, 0))
        assert sum(record["user_id"] == user for record in chosen) == min(wanted, room)
