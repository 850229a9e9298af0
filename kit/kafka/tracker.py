"""Which offsets of one partition are finished, and what may be committed of it.

The watermark is the first delivered offset that is unfinished: everything below it is done. It counts delivered
offsets, so gaps in the log (compaction, transaction markers) never stall it. What is finished above it travels in the
commit's metadata (`kit.kafka.progress`), so that a crash or a rebalance repeats little. Without it nothing is lost.
"""

from collections import deque
from collections.abc import Iterable


class OffsetTracker:
    def __init__(self, base: int | None = None, finished: Iterable[int] = ()) -> None:
        """Continue from a committed offset and what was finished above it; both may be absent."""
        self._pending: deque[int] = deque()  # delivered, in order; the first one is unfinished
        self._finished: set[int] = set()  # those of `_pending` that are finished
        self._base = base
        self._restored = set(finished)  # finished by an earlier owner, not delivered to us yet
        self.next: int | None = None  # one above the last delivered offset; None before the first

    def deliver(self, offset: int) -> bool:
        """Take note of a record. False if it was finished before and must not be handled again."""
        if self.next is None and offset < (self._base or 0):
            self._restored.clear()  # the log was reset or recreated: the stored progress speaks of other records
        self.next = offset + 1
        self._pending.append(offset)
        if offset in self._restored:
            self._restored.discard(offset)
            self.complete(offset)
            return False
        return True

    def complete(self, offset: int) -> None:
        self._finished.add(offset)
        while self._pending and self._pending[0] in self._finished:
            self._finished.discard(self._pending.popleft())

    def rewinds(self, offset: int) -> bool:
        """Whether `offset` comes after a later one, as it does when the log is reset under us."""
        return self.next is not None and offset < self.next

    @property
    def position(self) -> int | None:
        """The next offset to be delivered, as far as it is known."""
        return self._base if self.next is None else self.next

    @property
    def watermark(self) -> int | None:
        """What to commit: everything below is finished. None if nothing is known."""
        return self._pending[0] if self._pending else self.position

    @property
    def unfinished(self) -> int:
        return len(self._pending) - len(self._finished)

    @property
    def span(self) -> int:
        """Delivered offsets from the watermark on, finished or not."""
        return self.next - self._pending[0] if self._pending and self.next is not None else 0

    @property
    def finished(self) -> set[int]:
        """What is finished above the watermark."""
        watermark = self.watermark
        if watermark is None:
            return set()
        return self._finished | {offset for offset in self._restored if offset > watermark}
