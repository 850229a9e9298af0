"""How every process listens, at the level of bytes: what is refused before an application is asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from kit.process import server_config
from kit.settings import ProcessSettings

BODY = {"success", "error", "error_code", "action", "suggestion"}
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def counting(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body, once it has all of it."""
    received = 0
    while (message := await receive())["type"] == "http.request":
        received += len(message["body"])
        if not message["more_body"]:
            body = b"%d" % received
            await send(
                {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
            )
            await send({"type": "http.response.body", "body": body})
            return


@asynccontextmanager
async def connected(app: ASGIApp = counting) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = server_config(ProcessSettings(), app)
    config.load()
    state = ServerState()
    listening = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(config, state, {}),  # type: ignore[call-arg]
        "127.0.0.1",
    )
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        listening.close()


async def ask(*pieces: bytes, app: ASGIApp = counting) -> bytes:
    """All that the server says until it hangs up."""
    async with asyncio.timeout(30), connected(app) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
        return await reader.read()


def assert_refused(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    headers = head.decode().lower().split("\r\n")
    assert headers[0].startswith(f"http/1.1 {status} ")
    assert {"content-type: application/json", "connection: close", "x-content-type-options: nosniff"} <= set(headers)
    told = json.loads(body)  # and nothing after it
    assert (told["error_code"], told["success"]) == (code, False)
    assert told.keys() >= BODY


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(GET + b"X: " + b"a" * 2_000_000, id="one header without end"),
        pytest.param(GET + b"X: " + b"a" * 70_000 + b"\r\n\r\n", id="one large header"),
        pytest.param(GET + b"a" * 2_000_000, id="a header name without end"),
        pytest.param(GET + b"X: a\r\n" * 20_000 + b"\r\n", id="many headers"),
        pytest.param(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", id="a long address"),
        pytest.param(b"GET /" + b"a" * 2_000_000, id="an address without end"),
        pytest.param(POST + b"0\r\nX: " + b"a" * 2_000_000, id="a trailer without end"),
        pytest.param(POST + b"0\r\n" + b"X: a\r\n" * 20_000 + b"\r\n", id="many trailers"),
        pytest.param(POST + b"1;" + b"a" * 2_000_000, id="a chunk extension without end"),
        pytest.param(b"\r\n" * 1_000_000, id="nothing but empty lines"),
    ],
)
async def test_a_head_is_bounded_before_any_application_sees_it(head: bytes) -> None:
    assert_refused(await ask(head), 431, "HEADERS_TOO_LARGE")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"FOO / HTTP/1.1\r\n\r\n", id="method"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n", id="header name"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS"),
        pytest.param(POST + b"zz\r\n", id="chunk size"),
    ],
)
async def test_what_is_not_http_is_told_so_in_the_usual_shape(request_: bytes) -> None:
    assert_refused(await ask(request_, b"more of it" * 10_000), 400, "BAD_REQUEST")


async def test_each_request_of_a_connection_has_its_own_room_and_bodies_are_not_counted() -> None:
    header = b"X: " + b"a" * 50_000 + b"\r\n"
    last = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 300000\r\n" + header + b"\r\n" + b"b" * 300_000
    async with asyncio.timeout(30), connected() as (reader, writer):
        for _ in range(3):
            writer.write(GET + header + b"\r\n")
            assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 ")
        writer.write(last)
        assert (await reader.read()).endswith(b"\r\n\r\n300000")


async def test_a_refusal_is_never_written_into_an_answer_that_has_begun() -> None:
    begun = asyncio.Event()

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    async with asyncio.timeout(30), connected(streaming) as (reader, writer):
        writer.write(GET + b"\r\n")
        await begun.wait()
        writer.write(b"FOO / HTTP/1.1\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\n5\r\nbegun\r\n")
