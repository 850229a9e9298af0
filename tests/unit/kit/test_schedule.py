"""When a source is synced next."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import NAMESPACE_URL, UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from records.sources.schedule import DAY, LONGEST_PAUSE, SPREAD, after_limit, next_slot, pause_after, slot_after

NOW = datetime(2026, 3, 14, 15, 9, 26, 535_000, tzinfo=UTC)
WEEK = 7 * DAY
keys = st.uuids()
times = st.datetimes(datetime(2024, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
intervals = st.sampled_from([DAY, WEEK])


def key(number: int) -> UUID:
    return uuid5(NAMESPACE_URL, str(number))


@given(keys, intervals, times)
def test_a_key_has_one_slot_in_every_interval(key: UUID, interval: timedelta, at: datetime) -> None:
    slot = slot_after(key, interval, at)
    assert at < slot <= at + interval
    assert slot_after(key, interval, slot) == slot + interval
    assert slot_after(key, interval, slot - timedelta(microseconds=1)) == slot


@given(keys, intervals, times, st.floats(0, 0.49))
def test_a_sync_in_its_slot_is_followed_by_one_in_the_next_however_long_it_took(
    key: UUID, interval: timedelta, at: datetime, late: float
) -> None:
    slot = slot_after(key, interval, at)
    assert next_slot(key, interval, slot + interval * late) == slot + interval


@given(keys, intervals, times)
def test_a_sync_out_of_turn_is_followed_by_one_after_half_an_interval_to_one_and_a_half(
    key: UUID, interval: timedelta, at: datetime
) -> None:
    assert interval / 2 < next_slot(key, interval, at) - at <= interval * 3 / 2


def test_daily_sources_spread_over_the_day() -> None:
    hours = Counter(slot_after(key(number), DAY, NOW).hour for number in range(24_000))
    assert len(hours) == 24
    assert all(850 < count < 1_150 for count in hours.values()), hours


def test_pauses_double_up_to_a_day() -> None:
    pauses = [pause_after(key(1), failures) for failures in range(1, 30)]
    assert timedelta(minutes=12) < pauses[0] <= timedelta(minutes=15)
    assert all(longer > shorter for shorter, longer in pairwise(pauses[:7]))
    assert all(LONGEST_PAUSE * 0.8 < pause <= LONGEST_PAUSE for pause in pauses[8:])


@given(keys, st.integers(0, 10**9))
def test_no_pause_is_longer_than_a_day(key: UUID, failures: int) -> None:
    assert timedelta(0) < pause_after(key, failures) <= LONGEST_PAUSE


def test_what_failed_together_comes_back_apart() -> None:
    at = {NOW + pause_after(key(number), 1) for number in range(1_000)}
    assert len(at) > 900
    assert max(at) - min(at) > timedelta(minutes=2)


@given(keys, times, st.timedeltas(timedelta(days=-3), timedelta(days=3)))
def test_a_limit_is_waited_for_but_never_longer_than_a_day(key: UUID, now: datetime, until: timedelta) -> None:
    at = after_limit(key, now + until, now)
    assert min(now + until, now + DAY) <= at <= now + DAY
    assert at <= max(now + until, now) + SPREAD
