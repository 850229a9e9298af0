"""What a client may be late with, and how long: uvicorn waits for the rest of a request, and for its answer to be read,
for ever."""

import asyncio
from typing import Any

from kit.errors import ImportProblem
from kit.httproom import ENDED, Room
from kit.httpserver import BoundedProtocol, Part

MIN_READ_BYTES = 32 * 1024  # of an answer, in each `Limits.unread` seconds


class RequestTimeoutError(ImportProblem):
    status = 408
    error_code = "REQUEST_TIMEOUT"
    suggestion = "The request was not accepted. Send it again, all of it at once."


class ServerFullError(ImportProblem):
    status = 503
    error_code = "SERVICE_UNAVAILABLE"
    action = "retry_later"
    suggestion = "The request was not accepted. Send it again in a few seconds."


class PunctualProtocol(BoundedProtocol):
    """One connection of the `room`, which says how long a head, a body, an answer's reader and an idle one may take."""

    def __init__(self, *args: Any, room: Room, **options: Any) -> None:
        super().__init__(*args, **options)
        self._room = room
        self._owed: tuple[int, Part] | None = None  # what the deadline is for
        self._deadline: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._lingering = self._heard = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._room.enter(self):
            self._watch()
        elif self._room.linger():
            self._lingering = True
            self._refuse(ServerFullError("The service has too many open connections."))
        else:
            self.make_way()

    def connection_lost(self, exc: Exception | None) -> None:
        self._room.leave(self)
        if self._lingering:
            self._room.lingered()
        self._end()
        super().connection_lost(exc)

    def make_way(self) -> None:
        self._room.leave(self)
        self._end()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._heard = True
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():  # once all is sent
            self._expect_reading()
        self._mark()

    def timeout_keep_alive_handler(self) -> None:
        ENDED.labels("idle").inc()
        super().timeout_keep_alive_handler()
        self._expect_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading()
        self._mark()

    def resume_writing(self) -> None:
        super().resume_writing()
        _cancel(self._reading)
        self._mark()

    def _end(self) -> None:
        _cancel(self._deadline)
        _cancel(self._reading)
        super()._end()

    def _watch(self) -> None:
        """A deadline for what the client owes, counted from when it began to owe it."""
        if self._refused or self.transport.is_closing():
            return
        self._mark()
        owed = self._message, self._part
        if owed == self._owed:
            return
        self._owed = owed
        _cancel(self._deadline)
        seconds = {Part.HEAD: self._room.limits.head, Part.BODY: self._room.limits.body}.get(self._part)
        if seconds:
            self._deadline = self.loop.call_later(seconds, self._late, seconds)

    def _late(self, seconds: float) -> None:
        if self.flow.read_paused:  # it is we who do not read
            self._deadline = self.loop.call_later(seconds, self._late, seconds)
            return
        ENDED.labels(self._part).inc()
        if self._heard:
            self._refuse(RequestTimeoutError(f"The request's {self._part} did not arrive within {seconds:g} seconds."))
        else:  # who has said nothing is told nothing
            self._hang_up()

    def _mark(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        self._room.waits(self, idle or self._part is not Part.NOTHING or self.flow.write_paused)

    def _expect_reading(self) -> None:
        """Some of what is buffered for the client must have been read by then, or it is gone."""
        buffered = self.transport.get_write_buffer_size()

        def check() -> None:
            if self.transport.get_write_buffer_size() <= max(0, buffered - MIN_READ_BYTES):
                self._expect_reading()
                return
            ENDED.labels("unread").inc()
            self._end()
            self.transport.abort()

        _cancel(self._reading)
        if buffered:
            self._reading = self.loop.call_later(self._room.limits.unread, check)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer:
        timer.cancel()
