"""Which offsets of one partition are finished, and what may be committed of it.

The watermark is the first delivered offset that is unfinished: everything below it is done. It counts delivered
offsets, so gaps in the log (compaction, transaction markers) never stall it. What is finished above it travels in the
commit's metadata as a bitmap, so that a crash or a rebalance repeats little. Without the bitmap nothing is lost.
"""

import base64
import zlib
from collections import deque

MAX_METADATA_CHARS = 3_800  # the broker's offset.metadata.max.bytes is 4,096
MAX_SPAN = 1_000_000  # offsets that one bitmap may cover; a bound on what foreign metadata can make us allocate


class OffsetTracker:
    def __init__(self, base: int = 0, metadata: str = "") -> None:
        """Continue from a committed offset and its metadata; both may be absent."""
        self._pending: deque[int] = deque()  # delivered, in order; the first one is unfinished
        self._finished: set[int] = set()  # those of `_pending` that are finished
        self._base = base
        self._restored = decode_progress(base, metadata)  # finished by an earlier owner, not delivered to us yet
        self.next: int | None = None  # one above the last delivered offset; None before the first

    def deliver(self, offset: int) -> bool:
        """Take note of a record. False if it was finished before and must not be handled again."""
        if self.next is None and offset < self._base:
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
    def watermark(self) -> int | None:
        """What to commit: everything below is finished. None before the first delivery."""
        return self._pending[0] if self._pending else self.next

    @property
    def unfinished(self) -> int:
        return len(self._pending) - len(self._finished)

    @property
    def span(self) -> int:
        """Delivered offsets from the watermark on, finished or not."""
        return self.next - self._pending[0] if self._pending and self.next is not None else 0

    def metadata(self) -> str:
        """What is finished above the watermark, or an empty string if it is too much to tell."""
        watermark = self.watermark
        if watermark is None:
            return ""
        return encode_progress(watermark, self._finished | {o for o in self._restored if o > watermark})


def encode_progress(base: int, finished: set[int]) -> str:
    if not finished or max(finished) - base >= MAX_SPAN:
        return ""
    bitmap = bytearray((max(finished) - base) // 8 + 1)
    for offset in finished:
        bitmap[(offset - base) // 8] |= 1 << (offset - base) % 8
    text = base64.b64encode(zlib.compress(bitmap)).decode()
    return text if len(text) <= MAX_METADATA_CHARS else ""


def decode_progress(base: int, metadata: str) -> set[int]:
    """The finished offsets; none of them if the metadata is not ours."""
    try:
        bitmap = zlib.decompressobj().decompress(base64.b64decode(metadata, validate=True), MAX_SPAN // 8)
    except (ValueError, zlib.error):
        return set()
    return {base + at * 8 + bit for at, byte in enumerate(bitmap) for bit in range(8) if byte >> bit & 1}
