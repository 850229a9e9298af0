from hypothesis import given
from hypothesis import strategies as st

from kit.kafka.tracker import OffsetTracker


def delivered(*offsets: int, base: int = 0, finished: set[int] | None = None) -> OffsetTracker:
    tracker = OffsetTracker(base, finished or set())
    for offset in offsets:
        tracker.deliver(offset)
    return tracker


def test_what_is_known_is_committed_before_the_first_delivery() -> None:
    assert OffsetTracker().watermark is None
    first = OffsetTracker(7, {9})
    assert (first.watermark, first.finished) == (7, {9})


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
    second = OffsetTracker(first.watermark, first.finished)
    assert [second.deliver(offset) for offset in range(4)] == [True, False, True, False]
    second.complete(0)
    assert second.watermark == 2


def test_restored_progress_that_was_not_delivered_yet_is_handed_on() -> None:
    first = delivered(*range(6))
    for offset in (3, 5):
        first.complete(offset)
    second = delivered(0, base=0, finished=first.finished)
    second.complete(0)
    third = OffsetTracker(second.watermark, second.finished)
    assert [third.deliver(offset) for offset in range(1, 6)] == [True, True, False, True, False]


def test_progress_of_a_log_that_was_reset_is_dropped() -> None:
    tracker = OffsetTracker(100, {105})
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
        assert {o for o in offsets if o >= watermark} & done == tracker.finished
    assert tracker.watermark == offsets[-1] + 1
