"""How the openai client, which stands on httpx2, gets out through `kit.http`'s transport."""

import asyncio
from typing import cast

import httpx
import httpx2

from kit.http.body import BodyLimits, read_body
from kit.http.upstream import FAILURES

LIMITS = BodyLimits(wire=1024 * 1024, decoded=1024 * 1024)
# The body is decoded here; cookies would only pile up in the client's jar.
DROPPED = frozenset({b"content-encoding", b"content-length", b"set-cookie"})


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Answers come whole and decoded, within the request's read timeout and `LIMITS`.

    Raises `kit.http.BodyTooLargeError` for more than that: asking again would not help. Any other failure is one of
    httpx2's, which the client asks again for.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        sent = httpx.Request(
            request.method,
            str(request.url),
            headers=request.headers.raw,
            content=await request.aread(),
            extensions=request.extensions,
        )
        sent.headers["accept-encoding"] = "gzip"  # what `read_body` reads
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                answer, body = await self._ask(sent)
        except FAILURES as error:
            late = isinstance(error, httpx.TimeoutException | TimeoutError)
            raise (httpx2.ReadTimeout if late else httpx2.ReadError)(type(error).__name__) from error
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in DROPPED]
        return httpx2.Response(answer.status_code, headers=headers, content=body, request=request)

    async def _ask(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        answer = await self._transport.handle_async_request(request)
        stream = cast(httpx.AsyncByteStream, answer.stream)
        try:
            encoding = answer.headers.get("content-encoding", "")
            return answer, await read_body(stream, encoding, LIMITS, service="The model")
        finally:
            await stream.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()
