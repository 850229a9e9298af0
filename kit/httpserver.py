"""The HTTP/1.1 that every process of ours speaks: uvicorn's, with a bounded head and errors in our shape.

uvicorn collects a request's address and headers in memory, however many come, before an application or a token check
sees any of it. Here whoever sends more than `MAX_HEAD_BYTES` of them is told so and hung up on.
"""

import json

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from kit.errors import ImportProblem

MAX_HEAD_BYTES = 64 * 1024
AROUND_HEADER = len(b": \r\n")  # so that very many very small headers weigh something
LINGER_SECONDS = 2.0


class MalformedRequestError(ImportProblem):
    error_code = "BAD_REQUEST"
    action = "fix_request"
    suggestion = "Send well-formed HTTP/1.1, with one of its usual methods."


class HeadersTooLargeError(ImportProblem):
    status = 431
    error_code = "HEADERS_TOO_LARGE"
    action = "fix_request"
    suggestion = "Send a shorter address, and fewer or smaller headers."


class BoundedProtocol(HttpToolsProtocol):
    """One connection. At most `MAX_HEAD_BYTES` and one read of the socket are held of a head, trailers included."""

    _head = 0  # bytes of this message's address and headers
    _silent = 0  # bytes given to the parser since it last gave any of them back: a part of a header, or skipped
    _refused = False

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._silent += len(data)
        super().data_received(data)
        if self._silent > MAX_HEAD_BYTES:
            self._refuse(_too_large())

    def send_400_response(self, msg: str) -> None:
        """uvicorn's word for whatever the parser, or a callback of it below, refused."""
        too_large = self._head > MAX_HEAD_BYTES
        self._refuse(_too_large() if too_large else MalformedRequestError("The request is not valid HTTP."))

    def _refuse(self, problem: ImportProblem) -> None:
        if self._refused:
            return
        self._refused = True
        self._unset_keepalive_if_required()
        if (cycle := self.cycle) is not None and not cycle.response_complete:
            cycle.disconnected = True  # nobody listens to its answer any more
            cycle.message_event.set()
            if cycle.response_started:  # ours would end up in the middle of it
                self.transport.close()
                return
        self.transport.write(self._answer(problem))
        # Closed while bytes are still coming in, the connection would be reset, and the answer lost with it. So the
        # client gets a moment to read and to hang up.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

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
        return b"".join([STATUS_LINE[problem.status], *(b"%b: %b\r\n" % header for header in headers), b"\r\n", body])

    # What the parser calls. An exception here is an HttpParserError to uvicorn.

    def on_message_begin(self) -> None:
        self._head = self._silent = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow(len(name) + len(value) + AROUND_HEADER)
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._silent = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._silent = 0
        super().on_message_complete()

    def _grow(self, size: int) -> None:
        self._silent = 0
        self._head += size
        if self._head > MAX_HEAD_BYTES:
            raise _too_large()


def _too_large() -> ImportProblem:
    return HeadersTooLargeError(f"The address and the headers are larger than {MAX_HEAD_BYTES} bytes.")
