"""A sandbox inside the running event loop, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from sandbox.app import new_server
from sandbox.client import SandboxClient
from sandbox.state import State


@asynccontextmanager
async def serving(state: State, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves until left; yields the address, http://127.0.0.1:PORT. Port 0 takes a free one."""
    runner = web.ServerRunner(new_server(state), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1_024)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        await state.courier.close()


@asynccontextmanager
async def running(port: int = 0, *, latency: float = 0, model_latency: float = 0) -> AsyncIterator[SandboxClient]:
    """`async with running() as sandbox: await sandbox.fault("github", status=503, times=2)`"""
    async with (
        serving(State(latency=latency, model_latency=model_latency), port=port) as url,
        SandboxClient(url) as client,
    ):
        yield client
