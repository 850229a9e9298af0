"""How many streams and waits may be open at once."""

from contextlib import ExitStack

import pytest

from services.gateway.tasks.open_streams import OpenStreams, TooManyStreamsError
from tests.unit.gateway.support import settings


def places(**changes: int) -> OpenStreams:
    return OpenStreams(
        settings(**{"streams_per_member": 3, "streams_per_address": 5, "max_connections": 10, **changes})
    )


def refusal(places: OpenStreams, member: str, address: str) -> TooManyStreamsError:
    with pytest.raises(TooManyStreamsError) as refused, places.counted(member, address):
        raise AssertionError("there was a place")
    return refused.value


def test_a_member_has_so_many_whatever_the_address_and_gets_them_back() -> None:
    these = places()
    with ExitStack() as held:
        for number in range(3):
            held.enter_context(these.counted("ada", f"10.0.0.{number}"))
        refused = refusal(these, "ada", "10.0.0.9")
        assert (refused.status, refused.error_code) == (429, "TOO_MANY_STREAMS")
        assert "3 status streams" in refused.error
        assert refused.retry_at
        held.enter_context(these.counted("bob", "10.0.0.1"))
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(these.counted("ada", "10.0.0.1"))


def test_an_address_has_so_many_whoever_asks_from_it() -> None:
    these = places()
    with ExitStack() as held:
        for number in range(5):
            held.enter_context(these.counted(f"member {number}", "10.0.0.1"))
        assert "address" in refusal(these, "ada", "10.0.0.1").error
        held.enter_context(these.counted("ada", "10.0.0.2"))


def test_streams_leave_room_for_requests_that_end() -> None:
    these = places()
    with ExitStack() as held:
        for number in range(8):
            held.enter_context(these.counted(f"member {number}", f"10.0.0.{number}"))
        refusal(these, "ada", "10.0.0.9")


def test_what_was_refused_has_taken_nothing() -> None:
    these = places(streams_per_address=3)
    with these.counted("ada", "a"), these.counted("ada", "a"), these.counted("ada", "b"):
        for _ in range(9):
            refusal(these, "ada", "a")
        with these.counted("bob", "a"):
            refusal(these, "eve", "a")
