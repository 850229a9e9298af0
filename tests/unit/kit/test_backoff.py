"""Waits double, up to the longest."""

from datetime import timedelta

from kit.backoff import backoff


def test_waits_double_up_to_the_longest() -> None:
    assert [backoff(failures, 0.25, 5.0) for failures in (0, 1, 2, 5)] == [0.25, 0.5, 1.0, 5.0]
    assert backoff(10_000, timedelta(seconds=30), timedelta(hours=6)) == timedelta(hours=6)
