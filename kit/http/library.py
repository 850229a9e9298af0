"""Our transport for a library that speaks httpx2, as Authlib does: confined, timed and bounded like `Upstream`."""

import asyncio
from collections.abc import Callable, Iterable

import httpx
import httpx2

from kit.errors import UpstreamUnavailableError
from kit.http.exchange import FAILURES, Limits, exchange, never_sent, origin

# True of the wire and not of the body; and cookies, which would pile up in the library's client.
DROPPED = frozenset({"content-encoding", "content-length", "transfer-encoding", "set-cookie"})


class LibraryTransport(httpx2.AsyncBaseTransport):
    """Of one library's client, over the process's `transport`, which stays open when that client is closed.

    Sends each request once. Raises BodyTooLargeError, ValueError for an address outside the origins of `bases`, and for
    every other failure what `unavailable` makes of a sentence; or `unanswered`, where the request may have been heard.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        bases: Iterable[str],
        *,
        service: str,
        limits: Limits | None = None,
        unavailable: Callable[[str], Exception] = UpstreamUnavailableError,
        unanswered: Callable[[str], Exception] | None = None,
    ) -> None:
        self._transport = transport
        self._origins = frozenset(origin(httpx.URL(base)) for base in bases)
        self._service = service
        self._unavailable = unavailable
        self._unanswered = unanswered or unavailable
        self._limits = limits or Limits()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = httpx.URL(str(request.url))
        if url.userinfo or origin(url) not in self._origins:
            raise ValueError("not an address of a configured upstream")
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"]
        sent = httpx.Request(
            request.method, url, headers=[*headers, (b"accept-encoding", b"gzip")], content=await request.aread()
        )
        try:
            async with asyncio.timeout(self._limits.total):
                answer = await exchange(self._transport, sent, self._limits, service=self._service)
        except FAILURES as error:
            sent_nothing = never_sent(error)
            failure = self._unavailable if sent_nothing else self._unanswered
            raise failure(f"{self._service} is not available at the moment.") from None
        kept = [(name, value) for name, value in answer.headers.multi_items() if name not in DROPPED]
        return httpx2.Response(answer.status, headers=kept, content=answer.body, request=request)
