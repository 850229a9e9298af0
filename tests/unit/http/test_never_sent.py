"""Which failures certainly sent nothing, seen on the wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from kit.http import Limits, open_transport
from kit.http.exchange import NEVER_SENT, exchange

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def transport() -> AsyncIterator[httpx2.AsyncBaseTransport]:
    transport = open_transport(max_connections=1)
    yield transport
    await transport.aclose()


async def failure(transport: httpx2.AsyncBaseTransport, port: int, limits: Limits | None = None) -> Exception:
    request = httpx2.Request("GET", f"http://127.0.0.1:{port}/")
    with pytest.raises(httpx2.TransportError) as caught:
        await exchange(transport, request, limits or Limits(), service="Upstream")
    return caught.value


async def served(handler: Handler) -> tuple[asyncio.Server, int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def test_a_refused_connection_sent_nothing(transport: httpx2.AsyncBaseTransport) -> None:
    server, port = await served(hang)
    server.close()
    await server.wait_closed()
    assert isinstance(await failure(transport, port), NEVER_SENT)


async def test_a_time_out_before_there_is_a_connection_sent_nothing(transport: httpx2.AsyncBaseTransport) -> None:
    server, port = await served(hang)
    async with server:
        first = asyncio.create_task(failure(transport, port, Limits(read=1)))  # has the only connection
        await asyncio.sleep(0.1)
        assert isinstance(await failure(transport, port, Limits(total=0.1)), NEVER_SENT)
        assert not isinstance(await first, NEVER_SENT)  # and this one waited for its answer


async def test_a_connection_that_is_lost_may_have_sent_the_request(transport: httpx2.AsyncBaseTransport) -> None:
    server, port = await served(hang_up)
    async with server:
        assert not isinstance(await failure(transport, port), NEVER_SENT)
