"""What a setting may be: a value that cannot work is refused when it is read."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from kit.settings import KeyedSettings

DURATIONS = sorted(name for name, field in KeyedSettings.model_fields.items() if isinstance(field.default, timedelta))


def read(name: str, value: str) -> KeyedSettings:
    return KeyedSettings.model_validate({name: value})


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", ["-1", "-0.001", "nan", "inf", "1e300", "soon"])
def test_a_duration_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        read(name, value)


@pytest.mark.parametrize("name", sorted({*DURATIONS} - {"retry_backoff"}))
def test_a_duration_of_zero_is_refused_where_nothing_would_ever_be_done_in_it(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        read(name, "0")


def test_retries_may_come_at_once() -> None:
    assert read("retry_backoff", "0").retry_backoff == timedelta(0)


def test_durations_are_seconds() -> None:
    assert read("commit_interval", "0.25").commit_interval == timedelta(milliseconds=250)
