"""The HTTP/1.1 that every process of ours speaks: uvicorn's, with bounds and with errors in our shape.

uvicorn collects a request's address and headers in memory, however many come, before an application or a token check
sees any of it. Here whoever sends more than `MAX_HEAD_BYTES` of them is told so and hung up on. What a client is late
with is in `kit.httpdeadlines`.
"""

import json
from enum import StrEnum
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from kit.errors import ImportProblem

MAX_HEAD_BYTES = 64 * 1024
AROUND_HEADER = len(b": \r\n")  # so that very many very small headers weigh something
MAX_PIPELINED = 32  # requests that wait behind one that is being answered
MAX_UNWANTED_BYTES = 1024 * 1024  # of a body whose request was answered without it
LINGER_SECONDS = 2.0
HANG_UP = "thrive.hang_up"  # the ASGI extension whose `call` ends a connection in the middle of an answer


class MalformedRequestError(ImportProblem):
    error_code = "BAD_REQUEST"
    action = "fix_request"
    suggestion = "Send well-formed HTTP/1.1, with a standard method."


class HeadersTooLargeError(ImportProblem):
    status = 431
    error_code = "HEADERS_TOO_LARGE"
    action = "fix_request"
    suggestion = "Send a shorter address, and fewer or smaller headers."


class Part(StrEnum):
    """Of a message: what of it is being received."""

    HEAD = "head"
    BODY = "body"
    NOTHING = "nothing"


class BoundedProtocol(HttpToolsProtocol):
    """One connection. At most `MAX_HEAD_BYTES` and one read of the socket are held of a head, trailers included."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head = 0  # bytes of this message's address and headers
        self._silent = 0  # bytes given to the parser since it gave any back: a part of a header, or skipped
        self._unwanted = 0  # bytes of this message's body since its answer was complete
        self._message, self._part = 1, Part.HEAD  # which one is being received
        self._active: RequestResponseCycle | None = None
        self._refused = False

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._silent += len(data)
        super().data_received(data)
        if self._silent > MAX_HEAD_BYTES:
            self._refuse(_too_large())
        if self._part is Part.NOTHING and self._silent:  # empty lines before a message are a part of it
            self._message, self._part = self._message + 1, Part.HEAD

    def connection_lost(self, exc: Exception | None) -> None:
        self._disconnect_all()  # uvicorn tells it only to the newest of several requests
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """uvicorn's word for whatever the parser, or a callback of it below, refused."""
        too_large = self._head > MAX_HEAD_BYTES
        self._refuse(_too_large() if too_large else MalformedRequestError("The request is not valid HTTP."))

    def _refuse(self, problem: ImportProblem) -> None:
        if self._refused:
            return
        own = self.cycle if self._part is Part.BODY else None  # whose message this is
        begun = own is not None and own.response_started
        if begun or any(cycle is not own for cycle in self._unanswered()):  # ours would end up in an answer's place
            self._hang_up()
            return
        self._end()
        self.transport.write(self._answer(problem))
        # Closed while bytes are still coming in, the connection would be reset, and the answer lost with it. So the
        # client gets a moment to read and to hang up.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _hang_up(self) -> None:
        self._end()
        self.transport.close()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)  # or else it stays until all is read

    def _end(self) -> None:
        self._refused = True
        self._unset_keepalive_if_required()
        self._disconnect_all()

    def _unanswered(self) -> list[RequestResponseCycle]:
        cycles = [self._active, *(cycle for cycle, _ in self.pipeline)]
        return [cycle for cycle in cycles if cycle is not None and not cycle.response_complete]

    def _disconnect_all(self) -> None:
        for cycle in self._unanswered():  # nobody listens to their answers any more
            cycle.disconnected = True
            cycle.message_event.set()

    def _answer(self, problem: ImportProblem) -> bytes:
        body = json.dumps(problem.body()).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
        ]
        if problem.status == 503:
            headers.append((b"retry-after", b"5"))
        return b"".join([STATUS_LINE[problem.status], *(b"%b: %b\r\n" % header for header in headers), b"\r\n", body])

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._active = cycle
        super()._start_asgi_task(cycle, app)

    # What the parser calls. An exception here is an HttpParserError to uvicorn.

    def on_message_begin(self) -> None:
        if self._part is not Part.HEAD:
            self._message, self._part = self._message + 1, Part.HEAD
        self._head = self._silent = self._unwanted = 0
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP: {"call": self._hang_up}}

    def on_url(self, url: bytes) -> None:
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow(len(name) + len(value) + AROUND_HEADER)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            raise MalformedRequestError("Too many requests were sent before their answers were read.")
        self._part = Part.BODY
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._silent = 0
        if self.cycle.response_complete:
            self._unwanted += len(body)
            if self._unwanted > MAX_UNWANTED_BYTES:
                raise MalformedRequestError("The body of an answered request does not end.")
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._silent = 0
        self._part = Part.NOTHING
        super().on_message_complete()

    def _grow(self, size: int) -> None:
        self._silent = 0
        self._head += size
        if self._head > MAX_HEAD_BYTES:
            raise _too_large()


def _too_large() -> ImportProblem:
    return HeadersTooLargeError(f"The address and the headers are larger than {MAX_HEAD_BYTES} bytes.")
