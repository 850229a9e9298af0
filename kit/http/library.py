"""Give a library that speaks httpx2, as Authlib and openai do, a transport confined and bounded like `Upstream`."""

import asyncio
from collections.abc import Callable, Iterable

import httpx2

from kit.errors import UpstreamUnavailableError
from kit.http.exchange import FAILURES, NEVER_SENT, Limits, exchange, origin

# True of the wire and not of the body; and cookies, which would pile up in the library's client.
DROPPED = frozenset({"content-encoding", "content-length", "transfer-encoding", "set-cookie"})


class LibraryTransport(httpx2.AsyncBaseTransport):
    """For one library's client, over the process's `transport`, which stays open when that client is closed.

    Sends each request once. Raises BodyTooLargeError, ValueError for an address outside the origins of `bases`, and for
    every other failure what `unavailable` makes of a sentence; or `unanswered`, where the request may have been heard.
    """

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        bases: Iterable[str],
        *,
        service: str,
        limits: Limits | None = None,
        unavailable: Callable[[str], Exception] = UpstreamUnavailableError,
        unanswered: Callable[[str], Exception] | None = None,
    ) -> None:
        self._transport = transport
        self._origins = frozenset(origin(httpx2.URL(base)) for base in bases)
        self._service = service
        self._unavailable = unavailable
        self._unanswered = unanswered or unavailable
        self._limits = limits or Limits()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.userinfo or origin(request.url) not in self._origins:
            raise ValueError("not an address of a configured upstream")
        request.headers["accept-encoding"] = "gzip"
        try:
            async with asyncio.timeout(self._limits.total):
                answer = await exchange(self._transport, request, self._limits, service=self._service)
        except FAILURES as error:
            failure = self._unavailable if isinstance(error, NEVER_SENT) else self._unanswered
            raise failure(f"{self._service} is not available at the moment.") from None
        kept = [(name, value) for name, value in answer.headers.multi_items() if name not in DROPPED]
        return httpx2.Response(answer.status, headers=kept, content=answer.body, request=request)
