"""An httpx2 transport on aiohttp's connector: a fraction of the CPU of httpx2's own connection pool."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx2

CHUNK = 16 * 1024  # bytes of a body at a time

# The first that fits. What fails before a connection is made must not look like what may have been sent.
_ERRORS: tuple[tuple[type[Exception], type[httpx2.TransportError]], ...] = (
    (aiohttp.ClientConnectorError, httpx2.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx2.ConnectTimeout),  # also of the wait for a free connection
    (aiohttp.ServerTimeoutError, httpx2.ReadTimeout),
    (aiohttp.InvalidURL, httpx2.UnsupportedProtocol),
    (aiohttp.ClientConnectionError, httpx2.ReadError),
    (aiohttp.ClientError, httpx2.RemoteProtocolError),
)


def open_transport(*, max_connections: int = 500, keepalive: float = 60) -> httpx2.AsyncBaseTransport:
    """Open one for each process; close it with `aclose()`. Idle connections live `keepalive` seconds.

    No proxies, `.netrc` or certificates from the environment, no cookies, no redirects, bodies as they came over
    the wire. Also fits `httpx2.AsyncClient(transport=…)` for libraries that bring their own requests.
    """
    return _AiohttpTransport(max_connections, keepalive)


class _AiohttpTransport(httpx2.AsyncBaseTransport):
    def __init__(self, max_connections: int, keepalive: float) -> None:
        self._ssl = httpx2.create_ssl_context(trust_env=False)
        self._max_connections = max_connections
        self._keepalive = keepalive
        self._session: aiohttp.ClientSession | None = None  # made on first use: aiohttp wants a running loop

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        session = self._session = self._session or self._open()
        seconds = request.extensions.get("timeout", {})
        with _as_httpx2():
            answer = await session.request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    sock_connect=seconds.get("connect"), sock_read=seconds.get("read"), connect=seconds.get("pool")
                ),
            )
        return httpx2.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=self._ssl,
                limit=self._max_connections,
                keepalive_timeout=self._keepalive,
                ttl_dns_cache=60,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_headers=100,
        )


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx2():
            async for chunk in self._answer.content.iter_chunked(CHUNK):
                yield chunk

    async def aclose(self) -> None:
        self._answer.release()
        await self._answer.wait_for_close()


@contextmanager
def _as_httpx2() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientError as error:
        kind = next(ours for theirs, ours in _ERRORS if isinstance(error, theirs))
        raise kind(type(error).__name__) from error
