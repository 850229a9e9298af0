"""What clients may be late with, how many may come, and who goes first where there is no more room."""

import asyncio
import socket
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.types import Receive, Scope, Send

from kit.httpserver import HANG_UP
from tests.unit.kit.wire import (
    GET,
    POST,
    Client,
    Server,
    answer,
    ask,
    assert_refused,
    connected,
    counting,
    read_or_reset,
    serving,
)

SOON: dict[str, Any] = {"head_timeout": 0.2, "body_timeout": 0.2, "send_timeout": 0.2, "keep_alive_timeout": 0.2}
HALF_A_HEAD = GET + b"X: "
HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"


def ended(reason: str) -> float:
    return REGISTRY.get_sample_value("thrive_http_connections_ended_total", {"reason": reason}) or 0


async def until_disconnected(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers nothing."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def trickle(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """For ever, a little at a time: faster than any deadline."""
    while True:
        writer.write(piece)
        await asyncio.sleep(0.02)


async def test_who_says_nothing_is_hung_up_on() -> None:
    before = ended("head")
    assert await ask(**SOON) == b""
    assert ended("head") == before + 1


@pytest.mark.parametrize("half", [b"G", b"\r\n", HALF_A_HEAD, POST + b"0\r\n\r\n" + HALF_A_HEAD])
async def test_half_a_head_is_told_that_it_is_late(half: bytes) -> None:
    told = await ask(half, **SOON)
    assert_refused(told[told.rindex(b"HTTP/1.1") :], 408, "REQUEST_TIMEOUT")


@pytest.mark.parametrize(
    "half", [HALF_A_BODY, POST, POST + b"3\r\nabc\r\n", HALF_A_BODY.replace(b"Host: a", b"Expect: 100-continue")]
)
async def test_half_a_body_is_told_that_it_is_late_and_nobody_waits_for_the_rest(half: bytes) -> None:
    told = await ask(half, **SOON)
    assert_refused(told[told.rindex(b"HTTP/1.1") :], 408, "REQUEST_TIMEOUT")


@pytest.mark.parametrize(
    ("begun", "piece"), [(GET, b"X: a\r\n"), (b"", b"\r\n"), (POST, b"1\r\na\r\n"), (POST + b"0\r\n", b"X: a\r\n")]
)
async def test_a_deadline_is_not_put_off_by_sending_a_little_at_a_time(begun: bytes, piece: bytes) -> None:
    async with connected(**SOON) as (reader, writer):
        writer.write(begun)
        trickling = asyncio.create_task(trickle(writer, piece))
        told = await reader.read()
        trickling.cancel()
    assert_refused(told, 408, "REQUEST_TIMEOUT")


async def test_nothing_is_told_after_an_answer_to_a_request_whose_body_is_late() -> None:
    async def at_once(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send)

    assert (await ask(HALF_A_BODY, app=at_once, **{**SOON, "keep_alive_timeout": 60})).endswith(b"\r\n\r\n0")


async def test_an_idle_connection_ends_without_a_word_and_one_in_use_does_not() -> None:
    before = ended("idle")
    async with serving(head_timeout=2, keep_alive_timeout=1) as server:
        silent, _kept = await server.connect()
        late = asyncio.create_task(silent.read())
        reader, writer = await server.connect()
        while not late.done():  # for longer than both deadlines
            writer.write(GET + b"\r\n")
            await reader.readuntil(b"\r\n\r\n0")
            await asyncio.wait([late], timeout=0.1)
        assert ended("idle") == before
        assert await reader.read() == b""
    assert ended("idle") == before + 1


async def test_a_slow_answer_is_not_the_clients_fault() -> None:
    late = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await late.wait()
        await answer(send, b"late")

    async with serving(slow, **SOON) as server:
        reader, writer = await server.connect()
        writer.write(GET + b"\r\n" + GET + b"Connection: close\r\n\r\n")
        silent, _ = await server.connect()
        assert await silent.read() == b""  # so the deadline has passed
        late.set()
        assert (await reader.read()).count(b"late") == 2


async def small_reader(server: Server) -> Client:
    """A client that takes little at once, and asks. What it does not read stays with the server, not in the kernel."""
    server.buffer_little()
    taker = socket.socket()
    taker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    taker.setblocking(False)
    await asyncio.get_running_loop().sock_connect(taker, server.address)
    reader, writer = await asyncio.open_connection(sock=taker, limit=1_024)
    writer.write(GET + b"\r\n")
    return reader, writer


@pytest.mark.parametrize("parts", [1, 100], ids=["one piece", "many pieces"])
async def test_who_does_not_read_their_answer_is_gone(parts: int) -> None:
    before = ended("unread")

    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(parts):
            await send({"type": "http.response.body", "body": b"a" * (20_000_000 // parts), "more_body": True})
        await send({"type": "http.response.body"})

    async with serving(large, **SOON) as server:
        _, writer = await small_reader(server)
        while not server.state.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        while server.state.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        writer.close()
    assert ended("unread") == before + 1


async def test_who_reads_slowly_gets_it_all() -> None:
    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"a" * 2_000_000)

    async with serving(large, send_timeout=1, head_timeout=3) as server:
        silent, _kept = await server.connect()
        late = asyncio.create_task(silent.read())
        reader, writer = await small_reader(server)
        got, sipping = 0, True
        while piece := await reader.read(65_536):
            got += len(piece)
            sipping = sipping and not late.done()
            if sipping:  # for longer than some deadlines
                await asyncio.wait([late], timeout=0.01)
            elif got > 2_000_000:
                break
        writer.close()
    assert got > 2_000_000


async def test_where_there_is_no_more_room_the_longest_silent_one_makes_way() -> None:
    before = ended("crowded_out")
    async with serving(max_connections=10) as server:
        silent = [await server.connect() for _ in range(10)]
        silent[0][1].write(HALF_A_HEAD)  # which makes it no younger
        asked = []
        for reader, _ in silent[:5]:
            asking, writer = await server.connect()
            asked.append(writer)
            writer.write(GET + b"\r\n")
            assert (await asking.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 ")
            assert await read_or_reset(reader) == b""
    assert ended("crowded_out") == before + 5


async def test_who_is_being_answered_makes_no_way_and_others_are_told_to_come_again() -> None:
    started = 0

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal started
        started += 1
        await until_disconnected(scope, receive, send)

    async with serving(waiting, max_connections=10) as server:
        busy = [await server.connect() for _ in range(10)]
        for _, writer in busy:
            writer.write(GET + b"\r\n")
        while started < 10:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        reader, _ = await server.connect()
        told = await reader.read()
        assert_refused(told, 503, "SERVICE_UNAVAILABLE")
        assert b"retry-after: 5\r\n" in told
        flood = [await server.connect() for _ in range(200)]
        answered = [told for told in [await read_or_reset(reader) for reader, _ in flood] if told]
        assert 0 < len(answered) < 200, "to tell all of them would take as much room again"
        busy[0][1].close()
        while len(server.state.connections) > 9:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        _, writer = await server.connect()
        writer.write(GET + b"\r\n")
        while started < 11:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_application_can_end_a_connection_in_the_middle_of_an_answer() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        scope["extensions"][HANG_UP]["call"]()

    assert (await ask(GET + b"\r\n", app=broken)).endswith(b"\r\n\r\n5\r\nbegun\r\n")


async def test_all_that_is_held_of_a_connection_goes_with_it() -> None:
    before = REGISTRY.get_sample_value("thrive_http_connections") or 0
    async with serving(counting) as server:
        clients = [await server.connect() for _ in range(20)]
        while len(server.state.connections) < 20:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert (REGISTRY.get_sample_value("thrive_http_connections") or 0) >= 20
        for _, writer in clients:
            writer.close()
        while server.state.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (REGISTRY.get_sample_value("thrive_http_connections") or 0) <= before
