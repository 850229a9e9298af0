"""One process: probes, metrics, a graceful end. `/livez` knows no dependency, `/readyz` names each, `/metrics` counts.

uvicorn turns SIGTERM and SIGINT into the end of the lifespan, in which a stage drains its consumers.
"""

import gc
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from kit import log
from kit.httpdeadlines import PunctualProtocol
from kit.httproom import Limits, Room, fitted
from kit.settings import ProcessSettings

BACKLOG = 256  # connections that the kernel takes for us, and we may have to take all at once

Live = Callable[[], bool]
Ready = Callable[[], Awaitable[Mapping[str, bool]]]


def make_app(running: Callable[[], AbstractAsyncContextManager[None]], live: Live, ready: Ready) -> Starlette:
    async def livez(_request: Request) -> JSONResponse:
        ok = live()
        return JSONResponse({"live": ok}, status_code=200 if ok else 503)

    async def readyz(_request: Request) -> JSONResponse:
        parts = dict(await ready())
        return JSONResponse(parts, status_code=200 if all(parts.values()) else 503)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    app = Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)],
        lifespan=lambda _app: running(),
    )
    app.router.redirect_slashes = False  # it would redirect to whatever the Host header says
    return app


def serve(name: str, settings: ProcessSettings, app: Starlette) -> None:
    """Run until SIGTERM or SIGINT. Exits non-zero when the start failed, so that the process manager tries again."""
    log.configure(name, settings.log_level)
    server = uvicorn.Server(server_config(fitted(settings), app))
    server.run()
    sys.exit(0 if server.started else 1)


def server_config(settings: ProcessSettings, app: ASGIApp, **more: Any) -> uvicorn.Config:
    """How every process of ours listens, made once all is imported; `more` are uvicorn's own options."""
    # Modules live as long as the process. A full collection that walks them stops the event loop for up to 50 ms.
    gc.collect()
    gc.freeze()
    limits = Limits.of(settings)
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=partial(PunctualProtocol, room=Room(limits)),  # type: ignore[arg-type]
        backlog=BACKLOG,
        timeout_keep_alive=limits.idle,  # type: ignore[arg-type]
        ws="none",  # nothing of ours speaks it, and an upgrade would leave the bounds of that protocol
        lifespan="on",
        log_config=None,  # ours, see `kit.log`
        access_log=False,
        proxy_headers=False,  # nothing here believes what a caller says about its address
        **more,
    )
