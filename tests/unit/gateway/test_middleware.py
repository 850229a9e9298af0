"""What becomes of an answer that breaks off after it has begun, on a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from fastapi import FastAPI
from pymongo.errors import AutoReconnect
from sse_starlette import EventSourceResponse
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from kit.errors import ContentNotFoundError
from tests.unit.kit.wire import connected

Broken = Callable[[Exception], object]


def lines(error: Exception) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise error

    return StreamingResponse(parts())


def events(error: Exception) -> EventSourceResponse:
    async def parts() -> AsyncIterator[str]:
        yield "begun"
        raise error

    return EventSourceResponse(parts())


@pytest.mark.parametrize("answer", [lines, events])
@pytest.mark.parametrize(
    ("error", "level"),
    [
        (AutoReconnect("127.0.0.1:1: gone"), "warning"),
        (ContentNotFoundError("It is not there."), "warning"),
        (TimeoutError(), "info"),
    ],
    ids=["the store is away", "a problem", "nobody reads"],
)
async def test_what_breaks_off_an_answer_is_one_line_of_the_log_and_the_connections_end(
    app: FastAPI, answer: Broken, error: Exception, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logged:
        told = await broken(app, answer, error)
    assert told.startswith(b"HTTP/1.1 200 ")
    assert b"begun" in told
    assert not told.endswith(b"0\r\n\r\n"), "it must not look complete"
    assert [line["log_level"] for line in logged] == [level]
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


async def test_a_bug_in_an_answer_that_has_begun_is_told_to_operators_once(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logged:
        told = await broken(app, lines, ZeroDivisionError("the secret of the house"))
    assert b"begun" in told
    assert b"secret" not in told
    assert [(line["event"], line["log_level"]) for line in logged] == [("unexpected error", "error")]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def broken(app: FastAPI, answer: Broken, error: Exception) -> bytes:
    async def route() -> object:
        return answer(error)

    app.add_api_route("/broken", route, response_model=None)
    async with asyncio.timeout(30), connected(app) as (reader, writer):
        writer.write(b"GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
        return await reader.read()
