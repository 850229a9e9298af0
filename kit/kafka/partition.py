"""One assignment of one partition, and its lanes: one for each key.

A rebalance makes new objects, so the object itself is the epoch: what an old owner's handler still completes touches
only the old object.
"""

import asyncio
import time
from collections import deque
from collections.abc import Hashable
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord, TopicPartition

from kit.kafka.progress import Progress, encode
from kit.kafka.suspects import Suspects
from kit.kafka.tracker import OffsetTracker

Record: TypeAlias = ConsumerRecord[Any, Any]


class Lane:
    __slots__ = ("key", "partition", "queue")

    def __init__(self, partition: "Partition", key: Hashable) -> None:
        self.partition = partition
        self.key = key
        self.queue: deque[Record] = deque()


class Partition:
    def __init__(
        self, tp: TopicPartition, base: int | None = None, progress: Progress | None = None, suspect_until: int = 0
    ) -> None:
        """Continue at `base` with what the last owner told; below `suspect_until` anything may have been under way
        when that one died."""
        known = progress or Progress()
        self.tp = tp
        self.tracker = OffsetTracker(base, known.finished)
        self.suspects = Suspects(known.deaths, suspect_until)
        self.seen_until = known.seen_until  # the latest timestamp of a delivered record, in ms
        self.gone = asyncio.Event()  # revoked, or the process stops: start nothing more, wait for nothing more
        self.closed = False  # let go: nothing of it runs here any more
        self.tasks: set[asyncio.Task[None]] = set()
        self.committed: tuple[int, str] | None = None
        self.marks = 0  # of suspects made so far
        self.marks_committed = 0  # as many of them are durable
        self.end: int | None = None  # of the log, when it was last asked for
        self.moved_at = time.monotonic()  # when the watermark moved, or there was nothing to move it
        self._lanes: dict[Hashable, Lane] = {}

    def offer(self, record: Record) -> Lane | None:
        """Queue a record; returns its lane if that has just become ready to run."""
        if not self.tracker.unfinished:
            self.moved_at = time.monotonic()
        # not a time to come, which anybody may write: it decides where a log that was cut off is read on
        self.seen_until = max(self.seen_until, min(record.timestamp, round(time.time() * 1000)))
        if not self.tracker.deliver(record.offset):
            return None
        # Without a key no order is promised: every such record is a lane of its own.
        key: Hashable = record.key if record.key is not None else record.offset
        lane = self._lanes.get(key)
        if lane is not None:
            lane.queue.append(record)
            return None
        lane = self._lanes[key] = Lane(self, key)
        lane.queue.append(record)
        return lane

    def complete(self, lane: Lane, record: Record) -> Lane | None:
        """The first record of the lane is finished; returns the lane if it has more."""
        before = self.tracker.watermark
        self.tracker.complete(record.offset)
        self.suspects.finished(record.offset)
        if self.tracker.watermark != before:
            self.moved_at = time.monotonic()
        lane.queue.popleft()
        if lane.queue:
            return lane
        self._lanes.pop(lane.key, None)
        return None

    @property
    def stalled_for(self) -> float:
        """Seconds for which the watermark has stood still with unfinished records above it."""
        return time.monotonic() - self.moved_at if self.tracker.unfinished else 0.0

    @property
    def lag(self) -> int:
        """Records between the committed offset and the end of the log."""
        committed = self.committed[0] if self.committed else self.tracker.watermark or 0
        return max(0, max(self.end or 0, self.tracker.next or 0) - committed)

    def abandon(self) -> None:
        """Start nothing of what is queued any more and end every back-off; running handlers go on."""
        self.gone.set()

    def commitable(self) -> tuple[int, str] | None:
        """Watermark and metadata, if they differ from what was committed last."""
        watermark = self.tracker.watermark
        if watermark is None:
            return None
        told = Progress(self.tracker.finished, self.suspects.told(self.closed), self.seen_until, self.closed)
        state = (watermark, encode(watermark, told))
        return state if state != self.committed else None
