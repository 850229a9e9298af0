"""Run the gateway on real engines."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from socket import socket

import structlog
import uvicorn
from fastapi import FastAPI
from pymongo.errors import PyMongoError

from integrations.connections.settings import ConnectionSettings
from integrations.registry import build_registry
from kit import log
from kit.http import open_transport
from kit.httproom import fitted
from kit.jwks import RemoteKeys
from kit.mongo import Database, connect, is_outage
from kit.process import server_config
from kit.upstream import Upstream
from kit.vault import Vault, VaultSettings
from records.budgets import open_budgets
from records.indexes import ensure_indexes
from services.gateway.api import create_app
from services.gateway.connections.service import open_accounts
from services.gateway.imports.publisher import Publisher
from services.gateway.settings import GatewaySettings
from services.gateway.tasks.stream import StatusStream
from services.gateway.web.provided import find


class Server(uvicorn.Server):
    """Ends open streams and waits first; uvicorn would give them its whole grace period."""

    def __init__(self, config: uvicorn.Config, stream: StatusStream) -> None:
        super().__init__(config)
        self._stream = stream

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._stream.close()
        await super().shutdown(sockets)


def build(settings: GatewaySettings) -> FastAPI:
    """Make the app. It serves once MongoDB has its indexes; without them a link could be accepted twice."""
    db = connect(settings)
    publisher = Publisher(settings)
    transport = open_transport()
    connecting = ConnectionSettings()
    budgets = open_budgets(db)
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

    return create_app(
        settings,
        db,
        publisher,
        build_registry(connecting),
        accounts,
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
    server = Server(config, find(app, StatusStream))
    server.run()
    sys.exit(0 if server.started else 1)


if __name__ == "__main__":
    main()
