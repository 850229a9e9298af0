"""Composition root of stage 1, fetch."""

from integrations.connections.oauth import OAuth
from integrations.connections.providers import build_providers
from integrations.connections.store import Connections
from integrations.connections.tokens import Tokens
from integrations.registry import build_registry
from kit.http import open_transport
from kit.text.service import TextService, workers
from kit.upstream import Upstream
from kit.vault import Vault
from records.attempts import Attempts
from records.budgets import open_budgets
from records.stage import Stage
from schemas.events import ContentFetched, Event, ImportRequested, SourceSynced, SyncRequested
from services.fetcher.handler import fetch
from services.fetcher.reader import CredentialedReader
from services.fetcher.response_cache import ResponseCache
from services.fetcher.settings import FetcherSettings
from services.fetcher.sync import Sync


def build(settings: FetcherSettings) -> Stage:
    stage = Stage("fetcher", settings)
    pool = workers()
    registry = build_registry(settings, TextService(pool))
    stage.resources.push_async_callback(pool.aclose)
    attempts = Attempts(stage.db)
    budgets = open_budgets(stage.db)
    transport = open_transport()
    connections = Connections(stage.db, Vault(settings))
    oauth = OAuth(build_providers(settings), transport)
    tokens = Tokens(connections, oauth, refused_for=settings.token_refused_for)
    http = Upstream(transport, registry.bases, budgets=budgets)
    reader = CredentialedReader(tokens, connections, http, ResponseCache(stage.db, http))
    patience = settings.handler_timeout * 0.75  # leaves time to write down that it took too long
    sync = Sync(
        stage.db,
        registry,
        reader,
        fresh=settings.snapshots_fresh,
        patience=patience,
        hide_after=settings.hide_gone_after,
        now=http.now,
    )
    stage.resources.push_async_callback(transport.aclose)
    stage.resources.push_async_callback(budgets.aclose)
    stage.resources.push_async_callback(tokens.aclose)

    @stage.on(ImportRequested, emits=ContentFetched)
    async def on_import_requested(event: ImportRequested) -> ContentFetched | None:
        if await attempts.over(event):  # before it costs an upstream call
            return None
        return await fetch(event, registry, reader)

    @stage.on(
        SyncRequested, emits=(ContentFetched, SourceSynced), group="fetcher-sync"
    )  # a flood of syncs has a queue of its own
    async def on_sync_requested(event: SyncRequested) -> list[Event]:
        return await sync(event)

    return stage


def main() -> None:
    build(FetcherSettings()).run()


if __name__ == "__main__":
    main()
