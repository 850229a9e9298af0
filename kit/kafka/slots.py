"""Who may run next. A lane is one key of one partition; a slot is the right to run an attempt.

A lane has one record running at most, so a key stays in order. After each record it goes to the back of the ready
queue, so a hot key starves nobody. A record that waits for its next attempt gives its slot back and keeps its lane.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from kit.kafka.company import ANY, Company
from kit.kafka.partition import Lane


class Abandoned(Exception):
    """The partition was taken away, or the process stops, while a record waited; its next owner goes on with it."""


class Permission(Protocol):
    """What an attempt needs besides a slot; given back with it."""

    def end(self) -> None: ...


class Slot:
    """The slot of one running record: held, or given back during a back-off.

    `company` is how many may run in the process at most while this record does, itself included.
    """

    __slots__ = ("_permission", "_slots", "company", "held")

    def __init__(self, slots: "Slots", permission: Permission, company: int) -> None:
        self._slots = slots
        self._permission = permission
        self.company = company
        self.held = True

    def release(self) -> None:
        if self.held:
            self.held = False
            self._permission.end()
            self._slots.give_back(self.company)

    async def pause(self, seconds: float, gone: asyncio.Event) -> None:
        """Wait without the slot, then for a slot. Raises `Abandoned` as soon as `gone` is set, without a slot."""
        self.release()
        with suppress(TimeoutError):  # not `wait_for`, which swallows a cancellation that comes at the same time
            async with asyncio.timeout(seconds):
                await gone.wait()
        if gone.is_set():
            raise Abandoned
        turn = self._slots.queue_for_turn(self.company)
        leave = asyncio.ensure_future(gone.wait())
        try:
            await asyncio.wait((turn, leave), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leave.cancel()
            if turn.done():
                self.held, self._permission = True, turn.result()
            turn.cancel()
        if gone.is_set():
            raise Abandoned


@dataclass(frozen=True)
class Turn:
    """A place in the queue of a record that ran before."""

    given: "asyncio.Future[Permission]"
    company: int


class Slots:
    """`limit` slots, handed out first come, first served, while `admit` agrees and the company suits.

    `bears` says what company a lane's next record bears.
    """

    def __init__(
        self,
        limit: int,
        admit: Callable[[], Permission | None],
        start: Callable[[Lane, Slot], None],
        company: Company,
        bears: Callable[[Lane], int] = lambda _lane: ANY,
    ) -> None:
        self._limit = limit
        self._admit = admit
        self._start = start
        self._company = company
        self._bears = bears
        self._ready: deque[Lane | Turn] = deque()
        self.busy = 0

    def add(self, lane: Lane) -> None:
        self._ready.append(lane)
        self.pump()

    def queue_for_turn(self, company: int) -> "asyncio.Future[Permission]":
        turn: asyncio.Future[Permission] = asyncio.get_running_loop().create_future()
        self._ready.append(Turn(turn, company))
        self.pump()
        return turn

    def give_back(self, company: int) -> None:
        self.busy -= 1
        self._company.leave(company)
        self.pump()

    def pump(self) -> None:
        """Start what may start. Call it whenever `admit` may have changed its mind."""
        while self._ready and self.busy < self._limit:
            waiting = self._ready[0]
            if waiting.given.done() if isinstance(waiting, Turn) else waiting.partition.gone.is_set():
                self._ready.popleft()  # left the queue meanwhile
                continue
            company = waiting.company if isinstance(waiting, Turn) else self._bears(waiting)
            if not self._company.admits(self, company):
                return
            permission = self._admit()
            if permission is None:
                break
            self._ready.popleft()
            self.busy += 1
            self._company.enter(company)
            if isinstance(waiting, Turn):
                waiting.given.set_result(permission)
            else:
                self._start(waiting, Slot(self, permission, company))
        self._company.withdraw(self)
