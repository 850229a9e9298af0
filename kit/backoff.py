"""Exponential back-off."""

from datetime import timedelta
from typing import TypeVar

T = TypeVar("T", float, timedelta)

MAX_DOUBLINGS = 16  # so that no number of failures overflows


def backoff(failures: int, first: T, longest: T) -> T:
    """`first` doubled `failures` times, at most `longest`. For full jitter, multiply by a random number in [0, 1)."""
    return min(longest, first * (1 << min(failures, MAX_DOUBLINGS)))
