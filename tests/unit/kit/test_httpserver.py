"""How every process listens, at the level of bytes: what is refused before an application is asked."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from tests.unit.kit.wire import GET, POST, answer, ask, assert_refused, connected


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
    async with connected() as (reader, writer):
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

    async with connected(streaming) as (reader, writer):
        writer.write(GET + b"\r\n")
        await begun.wait()
        writer.write(b"FOO / HTTP/1.1\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\n5\r\nbegun\r\n")


async def test_requests_that_are_sent_ahead_are_answered_in_order_and_are_bounded() -> None:
    async with connected() as (reader, writer):
        writer.write(POST + b"0\r\n\r\n" + POST + b"2\r\nab\r\n0\r\n\r\n" + GET + b"Connection: close\r\n\r\n")
        told = await reader.read()
    assert [part.partition(b"\r\n\r\n")[2] for part in told.split(b"HTTP/1.1 200 OK")[1:]] == [b"0", b"2", b"0"]

    asked = 0

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        asked += 1
        while (await receive())["type"] != "http.disconnect":
            pass

    assert await ask((GET + b"\r\n") * 6_000, app=waiting) == b""
    assert asked == 1


async def test_who_leaves_behind_several_requests_leaves_all_of_them() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.set()

    async with connected(streaming) as (_, writer):
        writer.write((GET + b"\r\n") * 3)
        await begun.wait()
        writer.close()
        await ended.wait()


async def test_a_refusal_of_what_comes_next_is_no_answer_to_what_is_under_way() -> None:
    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    assert await ask(GET + b"\r\n" + b"FOO / HTTP/1.1\r\n\r\n", app=waiting) == b""


async def test_a_body_that_nobody_waits_for_is_not_read_for_ever() -> None:
    async def at_once(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send)

    endless = [b"10000\r\n" + b"a" * 0x10000 + b"\r\n"] * 100
    async with connected(at_once) as (reader, writer):
        writer.write(POST)
        assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(ConnectionError):
            for chunk in endless * 1_000:
                writer.write(chunk)
                await writer.drain()


@pytest.mark.parametrize("kept", [b"", b"Connection: keep-alive\r\n"], ids=["plain", "keep-alive"])
async def test_http_1_0_gets_one_answer_and_its_end(kept: bytes) -> None:
    told = await ask(b"GET / HTTP/1.0\r\n" + kept + b"\r\n")
    assert told.startswith(b"HTTP/1.1 200 ")
    assert told.endswith(b"connection: close\r\n\r\n0")


async def test_who_asks_whether_to_go_on_is_told_so_once_the_body_is_wanted() -> None:
    async with connected() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert (await reader.readuntil(b"\r\n\r\n3")).startswith(b"HTTP/1.1 200 ")
