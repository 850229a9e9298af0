"""Composition root of the gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from kit.mongo import Database
from services.gateway import errors, keys
from services.gateway.edge import Edge
from services.gateway.hub import Hub
from services.gateway.identity import Verifier
from services.gateway.imports import Imports, Publish
from services.gateway.keys import FindKey
from services.gateway.routes import health, imports, integrations, points, projects, tasks
from services.gateway.services import Gateway, Registry
from services.gateway.settings import GatewaySettings
from services.gateway.users import Users

DESCRIPTION = "Members paste a link and get a finished portfolio project. Every address but the probes takes a JWT."


def create_app(
    settings: GatewaySettings,
    db: Database,
    publish: Publish,
    registry: Registry,
    *,
    find_key: FindKey | None = None,
) -> FastAPI:
    """Pure wiring: nothing connects before the lifespan starts. `find_key` replaces the inline JWT_KEY."""
    hub = Hub(db)
    app = FastAPI(
        title="Thrive Imports",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # their assets come from a CDN
        redoc_url=None,
        lifespan=lambda _app: _feeding(hub),
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.gateway = Gateway(
        db=db,
        registry=registry,
        verifier=Verifier(
            settings, find_key or keys.inline(settings.jwt_key.get_secret_value(), settings.jwt_algorithms)
        ),
        users=Users(db),
        imports=Imports(
            db,
            publish,
            per_user=settings.imports_in_flight_per_user,
            publish_timeout=settings.publish_timeout.total_seconds(),
        ),
        hub=hub,
    )
    for routes in (imports, tasks, integrations, projects, points, health):
        app.include_router(routes.router)
    app.add_middleware(Edge, max_body_bytes=settings.max_body_bytes)
    errors.install(app)
    return app


@asynccontextmanager
async def _feeding(hub: Hub) -> AsyncIterator[None]:
    feeding = asyncio.create_task(hub.run())
    try:
        yield
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding
