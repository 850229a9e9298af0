"""Who may run next. A lane is one key of one partition; a slot is the right to run an attempt.

A lane has one record running at most, so a key stays in order. After each record it goes to the back of the ready
queue, so a hot key starves nobody. A record that waits for its next attempt gives its slot back and keeps its lane.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from aiokafka import ConsumerRecord

if TYPE_CHECKING:
    from kit.kafka.partition import Partition

Record: TypeAlias = ConsumerRecord[Any, Any]


class Abandoned(Exception):
    """The partition was taken away, or the process stops, while a record waited; its next owner goes on with it."""


class Lane:
    __slots__ = ("key", "partition", "queue")

    def __init__(self, partition: "Partition", key: Hashable) -> None:
        self.partition = partition
        self.key = key
        self.queue: deque[Record] = deque()


class Slot:
    """The slot of one running record: held, or given back during a back-off."""

    __slots__ = ("_slots", "held")

    def __init__(self, slots: "Slots") -> None:
        self._slots = slots
        self.held = True

    def release(self) -> None:
        if self.held:
            self.held = False
            self._slots.give_back()

    async def pause(self, seconds: float, gone: asyncio.Event) -> None:
        """Wait without the slot, then for a slot. Raises `Abandoned` as soon as `gone` is set, without a slot."""
        self.release()
        with suppress(TimeoutError):  # not `wait_for`, which swallows a cancellation that comes at the same time
            async with asyncio.timeout(seconds):
                await gone.wait()
        if gone.is_set():
            raise Abandoned
        turn = self._slots.queue_for_turn()
        leave = asyncio.ensure_future(gone.wait())
        try:
            await asyncio.wait((turn, leave), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leave.cancel()
            self.held = turn.done()
            turn.cancel()
        if gone.is_set():
            raise Abandoned


class Slots:
    """`limit` slots, handed out first come, first served, while `admit` agrees."""

    def __init__(self, limit: int, admit: Callable[[], bool], start: Callable[[Lane, Slot], None]) -> None:
        self._limit = limit
        self._admit = admit
        self._start = start
        self._ready: deque[Lane | asyncio.Future[None]] = deque()
        self.busy = 0

    def add(self, lane: Lane) -> None:
        self._ready.append(lane)
        self.pump()

    def queue_for_turn(self) -> asyncio.Future[None]:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ready.append(turn)
        self.pump()
        return turn

    def give_back(self) -> None:
        self.busy -= 1
        self.pump()

    def pump(self) -> None:
        """Start what may start. Call it whenever `admit` may have changed its mind."""
        while self._ready and self.busy < self._limit:
            waiting = self._ready[0]
            if waiting.done() if isinstance(waiting, asyncio.Future) else waiting.partition.gone.is_set():
                self._ready.popleft()  # left the queue meanwhile
                continue
            if not self._admit():
                return
            self._ready.popleft()
            self.busy += 1
            if isinstance(waiting, asyncio.Future):
                waiting.set_result(None)
            else:
                self._start(waiting, Slot(self))
