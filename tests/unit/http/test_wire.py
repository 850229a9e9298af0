"""The client against a real socket: that bodies come raw, and what bombs, stalls and cut-off answers do."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from kit.errors import UpstreamUnavailableError
from kit.http import BodyTooLargeError, Limits, open_transport
from kit.http.body import BodyLimits
from kit.upstream import Upstream

SMALL = Limits(total=5, body=BodyLimits(wire=100_000, decoded=1_000_000, ratio=100))
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def no_sleep(_seconds: float) -> None:
    """Retries at once."""


@asynccontextmanager
async def server(*answers: bytes, limits: Limits = SMALL, then: str = "keep") -> AsyncIterator[tuple[Upstream, str]]:
    """Gives the answers in turn, one for each request; `then` it may "close" the connection or "hold" its tongue."""
    left = iter(answers)
    done = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                if (data := next(left, None)) is None:
                    break
                writer.write(data)
                await writer.drain()
                if then == "close":
                    break
                if then == "hold":
                    await done.wait()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    upstream = Upstream(open_transport(), [base], limits=limits, sleep=no_sleep)
    try:
        yield upstream, base
    finally:
        done.set()
        await upstream.aclose()
        listening.close()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(b"hello", mtime=0)), ("deflate", zlib.compress(b"hello")), ("identity", b"hello")],
)
async def test_bodies_are_decoded_by_us(encoding: str, packed: bytes) -> None:
    async with server(answer(packed, f"Content-Encoding: {encoding}")) as (upstream, base):
        assert (await upstream.get(base, service="Example")).body == b"hello"


async def test_one_connection_serves_many_requests() -> None:
    async with server(answer(b"1"), answer(b"2")) as (upstream, base):
        assert [(await upstream.get(base, service="Example")).body for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(answer(gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip"), id="ratio"),
        pytest.param(answer(gzip.compress(bytes(range(256)) * 8_000), "Content-Encoding: gzip"), id="decoded"),
        pytest.param(answer(bytes(200_000)), id="wire"),
    ],
)
async def test_a_bomb_is_refused_and_not_asked_for_again(bomb: bytes) -> None:
    async with server(bomb) as (upstream, base):
        with pytest.raises(BodyTooLargeError, match="Example"):
            await upstream.get(base, service="Example")


async def test_a_small_body_may_compress_well() -> None:
    async with server(answer(gzip.compress(b"a" * 100_000), "Content-Encoding: gzip")) as (upstream, base):
        assert len((await upstream.get(base, service="Example")).body) == 100_000


async def test_cut_at_reads_the_beginning_of_what_is_too_large() -> None:
    packed = gzip.compress(bytes(50_000_000))
    async with server(answer(packed, "Content-Encoding: gzip")) as (upstream, base):
        assert len((await upstream.get(base, service="Example", cut_at=1_000)).body) == 1_000


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(answer(b"hel", length=5), id="cut off"),
        pytest.param(answer(gzip.compress(b"hello" * 100)[:-9], "Content-Encoding: gzip"), id="gzip cut off"),
        pytest.param(answer(b"hello", "Content-Encoding: gzip"), id="not gzip"),
        pytest.param(answer(b"hello", "Content-Encoding: br"), id="an encoding nobody asked for"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", id="not HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", id="endless header"),
        pytest.param(b"", id="closed at once"),
    ],
)
async def test_a_broken_answer_is_asked_for_again(broken: bytes) -> None:
    async with server(broken, answer(b"whole"), then="close") as (upstream, base):
        assert (await upstream.get(base, service="Example")).body == b"whole"


async def test_a_stalled_body_times_out() -> None:
    limits = Limits(read=0.05, total=5, retries=0)
    async with server(answer(b"hel", length=5), limits=limits, then="hold") as (upstream, base):
        with pytest.raises(UpstreamUnavailableError):
            await upstream.get(base, service="Example")


async def test_a_silent_server_times_out() -> None:
    async with server(b" ", limits=Limits(total=0.05, retries=1), then="hold") as (upstream, base):
        with pytest.raises(UpstreamUnavailableError):
            await upstream.get(base, service="Example")


async def test_a_closed_port_is_an_outage() -> None:
    async with server() as (_, base):
        pass
    upstream = Upstream(open_transport(), [base], sleep=no_sleep)
    with pytest.raises(UpstreamUnavailableError):
        await upstream.get(base, service="Example")
    await upstream.aclose()
