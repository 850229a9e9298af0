"""One assignment of one partition. A rebalance makes new objects, so the object itself is the epoch: what an old
owner's handler still completes touches only the old object.
"""

import asyncio
import time
from collections.abc import Hashable

from aiokafka import TopicPartition

from kit.kafka.lanes import Lane, Record
from kit.kafka.tracker import OffsetTracker


class Partition:
    def __init__(self, tp: TopicPartition, base: int = 0, metadata: str = "") -> None:
        self.tp = tp
        self.tracker = OffsetTracker(base, metadata)
        self.gone = asyncio.Event()  # revoked, or the process stops: start nothing more, wait for nothing more
        self.tasks: set[asyncio.Task[None]] = set()
        self.committed: tuple[int, str] | None = None
        self.moved_at = time.monotonic()  # when the watermark moved, or there was nothing to move it
        self._lanes: dict[Hashable, Lane] = {}

    def offer(self, record: Record) -> Lane | None:
        """Queue a record; returns its lane if that has just become ready to run."""
        if not self.tracker.unfinished:
            self.moved_at = time.monotonic()
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

    def abandon(self) -> None:
        """Start nothing of what is queued any more and end every back-off; running handlers go on."""
        self.gone.set()

    def commitable(self) -> tuple[int, str] | None:
        """Watermark and metadata, if they differ from what was committed last."""
        watermark = self.tracker.watermark
        if watermark is None:
            return None
        state = (watermark, self.tracker.metadata())
        return state if state != self.committed else None
