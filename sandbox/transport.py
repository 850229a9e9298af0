"""Answers that go wrong below HTTP's words: too late, too slow, cut short, without end, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.exchange import Reply

PATIENCE = 600.0  # seconds after which a silent answer gives up, should the caller not
SLOW_STEP = 0.5  # seconds from one byte to the next
FLOOD_BYTES = 64 * 1_048_576

Misbehaviour = Callable[[web.BaseRequest, Reply], Awaitable[web.StreamResponse]]


async def _timeout(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    await asyncio.sleep(PATIENCE)
    return await _reset(request, reply)


async def _reset(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)  # goes nowhere


async def _truncated(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Half of what Content-Length announces, then the connection ends."""
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _slow(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    for byte in reply.body:
        await response.write(bytes([byte]))
        await asyncio.sleep(SLOW_STEP)
    return response


async def _flood(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """The right beginning, then blanks, chunked, far beyond any sensible bound."""
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(reply.body[:-1])
    for _ in range(FLOOD_BYTES // 65_536):
        await response.write(b" " * 65_536)
    return response


async def _garbage(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """200 with the right headers, and a body that is no JSON and no UTF-8."""
    return web.Response(status=200, headers=reply.headers, body=b'{"id": \xff\xfe, oops' + reply.body[:64])


MISBEHAVIOURS: dict[str, Misbehaviour] = {
    "timeout": _timeout,
    "reset": _reset,
    "truncated": _truncated,
    "slow": _slow,
    "flood": _flood,
    "garbage": _garbage,
}
