"""A server as every process of ours has one, and clients that speak bytes to it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from kit.process import server_config
from kit.settings import ProcessSettings

BODY = {"success", "error", "error_code", "action", "suggestion"}
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def counting(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body, once it has all of it."""
    received = 0
    while (message := await receive())["type"] == "http.request":
        received += len(message["body"])
        if not message["more_body"]:
            await answer(send, b"%d" % received)
            return


async def answer(send: Send, body: bytes = b"0") -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Server:
    def __init__(self, listening: asyncio.Server, state: ServerState) -> None:
        self._listening, self.state = listening, state

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listening.sockets[0].getsockname()
        return host, port

    def buffer_little(self) -> None:
        """Of the answers to connections that are made from now on."""
        self._listening.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)

    async def connect(self) -> Client:
        return await asyncio.open_connection(*self.address)


@asynccontextmanager
async def serving(app: ASGIApp = counting, **settings: Any) -> AsyncIterator[Server]:
    config = server_config(ProcessSettings(**settings), app)
    config.load()
    state = ServerState()
    listening = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(config, state, {}),  # type: ignore[call-arg]
        "127.0.0.1",
    )
    try:
        async with asyncio.timeout(30):
            yield Server(listening, state)
    finally:
        listening.close()


@asynccontextmanager
async def connected(app: ASGIApp = counting, **settings: Any) -> AsyncIterator[Client]:
    async with serving(app, **settings) as server:
        reader, writer = await server.connect()
        try:
            yield reader, writer
        finally:
            writer.close()


async def ask(*pieces: bytes, app: ASGIApp = counting, **settings: Any) -> bytes:
    """All that the server says until it hangs up."""
    async with connected(app, **settings) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
        return await read_or_reset(reader)


def assert_refused(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    headers = head.decode().lower().split("\r\n")
    assert headers[0].startswith(f"http/1.1 {status} ")
    assert {"content-type: application/json", "connection: close", "x-content-type-options: nosniff"} <= set(headers)
    told = json.loads(body)  # and nothing after it
    assert (told["error_code"], told["success"]) == (code, False)
    assert told.keys() >= BODY


async def read_or_reset(reader: asyncio.StreamReader) -> bytes:
    """Nothing where the server did not wait until it was read."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
