"""An httpx transport on aiohttp's connector: a quarter of the CPU of httpx's own pool."""

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport


def open_transport(*, max_connections: int = 500, keepalive: float = 60) -> httpx.AsyncBaseTransport:
    """One for each process; closed with `aclose()`. Connections open on first use, idle ones live `keepalive` seconds.

    No proxies, `.netrc` or certificates from the environment, no cookies, no redirects, bodies as they came over
    the wire. Also fits `httpx.AsyncClient(transport=…)` for libraries that bring their own requests.
    """
    ssl_context = httpx.create_ssl_context(trust_env=False)

    def session() -> aiohttp.ClientSession:  # made lazily: aiohttp wants a running loop
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=ssl_context, limit=max_connections, keepalive_timeout=keepalive, ttl_dns_cache=60
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_headers=100,
        )

    return AiohttpTransport(verify=ssl_context, trust_env=False, client=session)
