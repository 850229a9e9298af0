"""One request and its answer, bounded in size: what the client of our own and those of libraries have in common."""

import json
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2

from kit.errors import UpstreamUnavailableError
from kit.http.body import BodyLimits, UndecodableBodyError, read_body

FAILURES = (httpx2.TransportError, UndecodableBodyError, TimeoutError)
# No connection was made for the request, so the upstream cannot have counted it (`kit.http.transport`).
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes."""

    connect: float = 5
    read: float = 10  # between two pieces of the body
    total: float = 20  # one attempt
    budget: float = 45  # all attempts and the waits between them
    retries: int = 3
    longest_wait: float = 5  # a longer Retry-After is the caller's to decide
    headers: int = 64 * 1024
    body: BodyLimits = field(default_factory=BodyLimits)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, decoded. `service` is whom to name when it makes no sense."""

    status: int
    headers: httpx2.Headers
    body: bytes
    service: str

    def json(self) -> Any:
        """Raises UpstreamUnavailableError where the body is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise UpstreamUnavailableError(f"{self.service} sent an invalid answer.") from None


async def exchange(
    transport: httpx2.AsyncBaseTransport,
    request: httpx2.Request,
    limits: Limits,
    *,
    service: str,
    cut_at: int | None = None,
) -> Response:
    """Any answer. Raises FAILURES and BodyTooLargeError; `limits.total` is the caller's to keep."""
    request.extensions = {"timeout": {"connect": limits.connect, "read": limits.read, "pool": limits.total}}
    # The transport and not AsyncClient.send: no cookie jar, no auth flow, no log line with the URL.
    answer = await transport.handle_async_request(request)
    stream = cast(httpx2.AsyncByteStream, answer.stream)
    try:
        if sum(len(name) + len(value) for name, value in answer.headers.raw) > limits.headers:
            raise UndecodableBodyError
        body = await read_body(
            stream,
            answer.headers.get("content-encoding", ""),
            limits.body,
            service=service,
            cut_at=cut_at if answer.status_code == 200 else None,
        )
    finally:
        await stream.aclose()
    return Response(answer.status_code, answer.headers, body, service)


def origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
