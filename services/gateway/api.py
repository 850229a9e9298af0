"""Assemble the HTTP API: every service, every router, the middleware and the error handlers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any

from fastapi import Depends, FastAPI

from integrations.registry import IntegrationRegistry
from kit.mongo import Database
from services.gateway.agents import routes as agents
from services.gateway.agents.service import Agents
from services.gateway.auth import routes as auth
from services.gateway.auth import static_keys
from services.gateway.auth.consent import Consents
from services.gateway.auth.jwt import Verifier
from services.gateway.auth.oauth_flow import OAuthFlows
from services.gateway.auth.service import Authenticator
from services.gateway.auth.sessions import Sessions
from services.gateway.auth.static_keys import FindKey
from services.gateway.connections import github_routes
from services.gateway.connections import routes as connections
from services.gateway.connections.service import Accounts
from services.gateway.imports import channel_routes
from services.gateway.imports import routes as imports
from services.gateway.imports.batches import Batches
from services.gateway.imports.channels import ChannelImports
from services.gateway.imports.service import Imports, Publish
from services.gateway.imports.submissions import Submissions
from services.gateway.integrations import routes as integrations
from services.gateway.members import me_routes
from services.gateway.members import routes as members
from services.gateway.members.service import Users
from services.gateway.notices import routes as notices
from services.gateway.points import routes as points
from services.gateway.projects import explore_routes
from services.gateway.projects import routes as projects
from services.gateway.rate_limits.limits import MemberLimits
from services.gateway.rate_limits.public_reads import Reads
from services.gateway.settings import GatewaySettings
from services.gateway.sources import routes as sources
from services.gateway.sources.service import Sources
from services.gateway.tasks import routes as tasks
from services.gateway.tasks.open_streams import OpenStreams
from services.gateway.tasks.stream import StatusStream
from services.gateway.tokens import routes as tokens
from services.gateway.tokens.service import ApiTokens
from services.gateway.web import errors, health
from services.gateway.web.health import Kafka
from services.gateway.web.middleware import GatewayMiddleware
from services.gateway.web.provided import find, provide
from services.gateway.web.query_parameters import known_query
from services.gateway.webhooks import routes as webhooks
from services.gateway.webhooks.service import Pushes
from services.gateway.webhooks.websub import Subscriptions

DESCRIPTION = (
    "Members paste a link and get a finished portfolio project. Every address takes a bearer token or the cookie of a "
    "browser's session, but /auth/, /openapi.json, the probes and /metrics take none, and public pages need none."
)
ROUTES = (
    imports, channel_routes, tasks, integrations, sources, connections, github_routes, notices, auth, me_routes, tokens,
    projects, explore_routes, agents, members, points, webhooks, health,
)  # fmt: skip


def create_app(
    settings: GatewaySettings,
    db: Database,
    publish: Publish,
    registry: IntegrationRegistry,
    accounts: Accounts,
    *,
    find_key: FindKey | None = None,
    publishes_well: Callable[[], bool] = lambda: True,
    resources: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
) -> FastAPI:
    """Wire the app. Nothing connects before its lifespan, which holds the `resources` while it feeds status streams.

    `find_key` replaces the key in JWT_KEY.
    """
    app = FastAPI(
        title="Thrive Imports",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # their assets come from a CDN
        redoc_url=None,
        redirect_slashes=False,  # it would redirect to whatever the Host header says
        lifespan=lambda app: _running(find(app, StatusStream), resources),
        dependencies=[Depends(known_query)],
        generate_unique_id_function=lambda route: route.name,
        servers=[{"url": settings.public_url}],
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    find_key = find_key or static_keys.inline(settings.jwt_key.get_secret_value(), settings.jwt_algorithms)
    services = _services(settings, db, publish, registry, accounts, Verifier(settings, find_key))
    importing: Imports = services[Imports]
    provide(app, {**services, Kafka: Kafka(publishes_well, lambda: not importing.broker_away)})
    for routes in ROUTES:
        app.include_router(routes.router)
    app.add_middleware(
        GatewayMiddleware, max_body_bytes=settings.max_body_bytes, max_webhook_bytes=settings.max_webhook_bytes
    )
    errors.install(app)
    return app


def _services(
    settings: GatewaySettings,
    db: Database,
    publish: Publish,
    registry: IntegrationRegistry,
    accounts: Accounts,
    verifier: Verifier,
) -> dict[Any, Any]:
    """Make each object that routes depend on, by its type."""
    limits, users, api_tokens, stream = MemberLimits(db, settings), Users(db), ApiTokens(db), StatusStream(db)
    sessions = Sessions(db, idle=settings.session_idle, lifetime=settings.session_lifetime)
    sources = Sources(db, per_member=settings.sources_per_member)
    open_streams = OpenStreams(settings)
    imports = Imports(
        db,
        publish,
        limits,
        per_user=settings.imports_in_flight_per_user,
        publish_timeout=settings.publish_timeout.total_seconds(),
    )
    batches = Batches(db, imports)
    channels = ChannelImports(db, limits, sources, accounts.channels)
    return {
        GatewaySettings: settings,
        Database: db,
        IntegrationRegistry: registry,
        Accounts: accounts,
        MemberLimits: limits,
        Users: users,
        ApiTokens: api_tokens,
        StatusStream: stream,
        Sessions: sessions,
        Sources: sources,
        OpenStreams: open_streams,
        Batches: batches,
        Imports: imports,
        ChannelImports: channels,
        Submissions: Submissions(registry, imports, batches, sources, stream, open_streams),
        Authenticator: Authenticator(verifier, users, sessions, api_tokens, settings.public_url),
        Consents: Consents(accounts.oauth, OAuthFlows(db), limits, settings),
        Reads: Reads(settings.limit_reads),
        Agents: Agents(db, users, sources, batches, channels, accounts.channels),
        Pushes: Pushes(db),
        Subscriptions: Subscriptions(db, settings.webhook_key),
    }


@asynccontextmanager
async def _running(
    stream: StatusStream, resources: Callable[[], AbstractAsyncContextManager[object]]
) -> AsyncIterator[None]:
    async with resources():
        feeding = asyncio.create_task(stream.run())
        try:
            yield
        finally:
            stream.close()
            feeding.cancel()
            with suppress(asyncio.CancelledError):
                await feeding
