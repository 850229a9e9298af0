"""A server that pushes arrive at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Received:
    method: str
    query: dict[str, str]
    headers: dict[str, str]  # by lower-case name
    body: bytes


@dataclass
class Receiver:
    """Echoes a hub's challenge, and answers the rest with `status`."""

    url: str = ""
    status: int = 204
    echo: bool = True
    received: list[Received] = field(default_factory=list)

    @property
    def bodies(self) -> list[bytes]:
        return [one.body for one in self.received if one.method == "POST"]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def take(request: web.BaseRequest) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        receiver.received.append(Received(request.method, dict(request.query), headers, await request.read()))
        if request.method == "GET" and receiver.echo:
            return web.Response(text=request.query.get("hub.challenge", ""))
        return web.Response(status=receiver.status)

    runner = web.ServerRunner(web.Server(take, access_log=None))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
        yield receiver
    finally:
        await runner.cleanup()
