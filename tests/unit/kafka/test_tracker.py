import base64
import random
import zlib

from hypothesis import given
from hypothesis import strategies as st

from kit.kafka.tracker import MAX_METADATA_CHARS, OffsetTracker, decode_progress, encode_progress


def delivered(*offsets: int, base: int = 0, metadata: str = "") -> OffsetTracker:
    tracker = OffsetTracker(base, metadata)
    for offset in offsets:
        tracker.deliver(offset)
    return tracker


def test_nothing_is_committed_before_the_first_delivery() -> None:
    assert OffsetTracker(7).watermark is None


def test_the_watermark_stops_at_the_first_unfinished_offset() -> None:
    tracker = delivered(10, 11, 12)
    tracker.complete(11)
    tracker.complete(12)
    assert tracker.watermark == 10
    tracker.complete(10)
    assert tracker.watermark == 13


def test_gaps_in_the_log_do_not_stall_the_watermark() -> None:
    tracker = delivered(3, 9, 40)
    tracker.complete(3)
    assert tracker.watermark == 9
    tracker.complete(9)
    tracker.complete(40)
    assert tracker.watermark == 41


def test_progress_above_the_watermark_survives_into_the_next_owner() -> None:
    first = delivered(0, 1, 2, 3)
    first.complete(1)
    first.complete(3)
    second = OffsetTracker(first.watermark or 0, first.metadata())
    assert [second.deliver(offset) for offset in range(4)] == [True, False, True, False]
    second.complete(0)
    assert second.watermark == 2


def test_restored_progress_that_was_not_delivered_yet_is_handed_on() -> None:
    first = delivered(*range(6))
    for offset in (3, 5):
        first.complete(offset)
    second = delivered(0, base=0, metadata=first.metadata())
    second.complete(0)
    third = OffsetTracker(second.watermark or 0, second.metadata())
    assert [third.deliver(offset) for offset in range(1, 6)] == [True, True, False, True, False]


def test_progress_of_a_log_that_was_reset_is_dropped() -> None:
    tracker = OffsetTracker(100, encode_progress(100, {105}))
    tracker.deliver(0)
    assert tracker.deliver(105)


def test_a_rewind_is_noticed() -> None:
    tracker = delivered(5, 6)
    assert tracker.rewinds(6)
    assert not tracker.rewinds(7)
    assert not OffsetTracker().rewinds(0)


def test_unfinished_and_span() -> None:
    tracker = delivered(10, 20, 30)
    tracker.complete(20)
    assert (tracker.unfinished, tracker.span) == (2, 21)
    tracker.complete(10)
    tracker.complete(30)
    assert (tracker.unfinished, tracker.span) == (0, 0)


def test_too_much_progress_is_left_out() -> None:
    scattered = set(random.Random(1).sample(range(1, 60_000), 20_000))
    assert encode_progress(0, scattered) == ""
    assert encode_progress(0, {10_000_000}) == ""


def test_foreign_metadata_means_no_progress() -> None:
    bomb = base64.b64encode(zlib.compress(b"\xff" * 50_000_000, 9)).decode()
    assert decode_progress(0, "someone else's") == set()
    assert decode_progress(0, "") == set()
    assert len(decode_progress(0, bomb)) <= 1_000_000


@given(st.integers(0, 2**60), st.sets(st.integers(1, 5_000)))
def test_progress_is_read_as_it_was_written_or_left_out(base: int, above: set[int]) -> None:
    finished = {base + offset for offset in above}
    metadata = encode_progress(base, finished)
    assert len(metadata) <= MAX_METADATA_CHARS
    assert decode_progress(base, metadata) in (finished, set())


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60), st.data())
def test_what_is_committed_never_passes_an_unfinished_offset(steps: list[int], data: st.DataObject) -> None:
    offsets = [sum(steps[: n + 1]) for n in range(len(steps))]
    tracker = delivered(*offsets)
    order = data.draw(st.permutations(offsets))
    done: set[int] = set()
    for offset in order:
        tracker.complete(offset)
        done.add(offset)
        watermark = tracker.watermark
        assert watermark is not None
        assert {o for o in offsets if o < watermark} <= done
        assert {o for o in offsets if o >= watermark} & done == decode_progress(watermark, tracker.metadata())
    assert tracker.watermark == offsets[-1] + 1
