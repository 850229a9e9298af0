"""Composition root of the gateway."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress
from socket import socket

import structlog
import uvicorn
from fastapi import Depends, FastAPI
from pymongo.errors import PyMongoError

from integrations.connections.settings import ConnectionSettings
from integrations.registry import build_registry
from kit import log
from kit.budgets import Budgets
from kit.http import open_transport
from kit.httproom import fitted
from kit.jwks import RemoteKeys
from kit.mongo import Database, connect, is_outage
from kit.process import server_config
from kit.upstream import Upstream
from kit.vault import Vault, VaultSettings
from records.indexes import ensure_indexes
from services.gateway.agents import routes as agents
from services.gateway.agents.service import Agents
from services.gateway.auth import routes as signin
from services.gateway.auth import static_keys
from services.gateway.auth.jwt import Verifier
from services.gateway.auth.oauth_flow import Walks
from services.gateway.auth.sessions import Sessions
from services.gateway.auth.static_keys import FindKey
from services.gateway.connections import github_routes as github
from services.gateway.connections import routes as connections
from services.gateway.connections.service import Accounts, no_accounts, open_accounts
from services.gateway.imports import channel_routes as channels
from services.gateway.imports import routes as imports
from services.gateway.imports.batches import Batches
from services.gateway.imports.channels import ChannelImports
from services.gateway.imports.publisher import Publisher
from services.gateway.imports.service import Imports, Publish
from services.gateway.integrations import routes as integrations
from services.gateway.members import me_routes as me
from services.gateway.members import routes as users
from services.gateway.members.service import Users
from services.gateway.notices import routes as notices
from services.gateway.points import routes as points
from services.gateway.projects import explore_routes as explore
from services.gateway.projects import routes as projects
from services.gateway.rate_limits.limits import MemberLimits
from services.gateway.rate_limits.public_reads import Reads
from services.gateway.services import Gateway, Registry
from services.gateway.settings import GatewaySettings
from services.gateway.sources import routes as sources
from services.gateway.sources.service import Sources
from services.gateway.tasks import routes as tasks
from services.gateway.tasks.open_streams import Places
from services.gateway.tasks.stream import Hub
from services.gateway.tokens import routes as tokens
from services.gateway.tokens.service import ApiTokens
from services.gateway.web import errors, health
from services.gateway.web.middleware import Edge
from services.gateway.web.query_parameters import known_query
from services.gateway.webhooks import routes as webhooks
from services.gateway.webhooks.service import Pushes
from services.gateway.webhooks.websub import Subscriptions

DESCRIPTION = (
    "Members paste a link and get a finished portfolio project. Every address takes a bearer token or the cookie of a "
    "browser's session, but /auth/, /openapi.json, the probes and /metrics take none, and public pages need none."
)


def create_app(
    settings: GatewaySettings,
    db: Database,
    publish: Publish,
    registry: Registry,
    *,
    accounts: Accounts | None = None,
    find_key: FindKey | None = None,
    publishes_well: Callable[[], bool] = lambda: True,
    resources: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
) -> FastAPI:
    """Pure wiring: nothing connects before the lifespan, which holds the `resources` while it feeds the hub.

    Without `accounts` nobody can connect one or sign in with one. `find_key` replaces the inline JWT_KEY.
    """
    accounts = accounts or no_accounts(db)
    hub = Hub(db)
    limits = MemberLimits(db, settings)
    following = Sources(db, per_member=settings.sources_per_member)
    members = Users(db)
    accepting = Imports(
        db,
        publish,
        limits,
        per_user=settings.imports_in_flight_per_user,
        publish_timeout=settings.publish_timeout.total_seconds(),
    )
    batches = Batches(db, accepting)
    importing = ChannelImports(db, limits, following, accounts.channels)
    app = FastAPI(
        title="Thrive Imports",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # their assets come from a CDN
        redoc_url=None,
        redirect_slashes=False,  # it would redirect to whatever the Host header says
        lifespan=lambda _app: _running(hub, resources),
        dependencies=[Depends(known_query)],
        generate_unique_id_function=lambda route: route.name,
        servers=[{"url": settings.public_url}],
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.gateway = Gateway(
        settings=settings,
        db=db,
        registry=registry,
        verifier=Verifier(
            settings, find_key or static_keys.inline(settings.jwt_key.get_secret_value(), settings.jwt_algorithms)
        ),
        users=members,
        sessions=Sessions(db, idle=settings.session_idle, lifetime=settings.session_lifetime),
        api_tokens=ApiTokens(db),
        limits=limits,
        reads=Reads(settings.limit_reads),
        imports=accepting,
        batches=batches,
        sources=following,
        channels=importing,
        hub=hub,
        places=Places(settings),
        walks=Walks(db),
        accounts=accounts,
        agents=Agents(db, members, following, batches, importing, accounts.channels),
        pushes=Pushes(db),
        subscriptions=Subscriptions(db, settings.webhook_key),
        publishes_well=publishes_well,
    )
    public = (
        imports,
        channels,
        tasks,
        integrations,
        sources,
        connections,
        github,
        notices,
        signin,
        me,
        tokens,
        projects,
        explore,
        agents,
        users,
        points,
        webhooks,
        health,
    )
    for routes in public:
        app.include_router(routes.router)
    app.add_middleware(Edge, max_body_bytes=settings.max_body_bytes, max_webhook_bytes=settings.max_webhook_bytes)
    errors.install(app)
    return app


@asynccontextmanager
async def _running(hub: Hub, resources: Callable[[], AbstractAsyncContextManager[object]]) -> AsyncIterator[None]:
    async with resources():
        feeding = asyncio.create_task(hub.run())
        try:
            yield
        finally:
            hub.close()
            feeding.cancel()
            with suppress(asyncio.CancelledError):
                await feeding


class Server(uvicorn.Server):
    """Ends open streams and waits first; uvicorn would give them its whole grace period."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._hub.close()
        await super().shutdown(sockets)


def build(settings: GatewaySettings) -> FastAPI:
    """The gateway on real engines. It serves once MongoDB has its indexes; without them a link could be taken twice."""
    db = connect(settings)
    publisher = Publisher(settings)
    transport = open_transport()
    connecting = ConnectionSettings()
    budgets = Budgets(db)
    accounts = open_accounts(db, transport, connecting, Vault(VaultSettings()), budgets)
    find_key = None
    if settings.jwt_jwks_url:
        provider = Upstream(transport, [settings.jwt_jwks_url])

        async def fetch(url: str) -> object:
            return (await provider.get(url, service="The identity provider")).json()

        find_key = RemoteKeys(settings.jwt_jwks_url, fetch).find

    @asynccontextmanager
    async def resources() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(transport.aclose)
            stack.push_async_callback(db.client.close)
            stack.push_async_callback(budgets.aclose)
            stack.push_async_callback(accounts.tokens.aclose)
            await _until_indexed(db, settings)
            await stack.enter_async_context(publisher.running())
            yield

    registry = build_registry(connecting)
    return create_app(
        settings,
        db,
        publisher,
        registry,
        accounts=accounts,
        find_key=find_key,
        publishes_well=publisher.well,
        resources=resources,
    )


async def _until_indexed(db: Database, settings: GatewaySettings) -> None:
    while True:
        try:
            return await ensure_indexes(db, settings)
        except PyMongoError as error:
            if not is_outage(error):
                raise
            structlog.get_logger().warning("waiting for MongoDB", error=type(error).__name__)
            await asyncio.sleep(1)


def main() -> None:
    settings = fitted(GatewaySettings())
    log.configure("gateway", settings.log_level)
    app = build(settings)
    config = server_config(
        settings,
        app,
        server_header=False,
        timeout_graceful_shutdown=int(settings.shutdown_timeout.total_seconds()),
    )
    server = Server(config, app.state.gateway.hub)
    server.run()
    sys.exit(0 if server.started else 1)


if __name__ == "__main__":
    main()
