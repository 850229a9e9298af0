"""Composition root of stage 1, fetch."""

from integrations.registry import build_registry
from kit.app import Stage
from kit.budgets import Budgets
from kit.http import Upstream, open_transport
from schemas.events import ContentFetched, Event, ImportRequested, SourceSynced, SyncRequested
from services.fetcher.handler import fetch, sync
from services.fetcher.settings import FetcherSettings


def build(settings: FetcherSettings) -> Stage:
    stage = Stage("fetcher", settings)
    registry = build_registry(settings)
    budgets = Budgets(stage.db)
    http = Upstream(open_transport(), registry.bases, budgets=budgets)
    stage.resources.push_async_callback(http.aclose)
    stage.resources.push_async_callback(budgets.aclose)

    @stage.on(ImportRequested, emits=ContentFetched)
    async def on_import_requested(event: ImportRequested) -> ContentFetched:
        return await fetch(event, registry, http)

    @stage.on(
        SyncRequested, emits=(ContentFetched, SourceSynced), group="fetcher-sync"
    )  # a flood of syncs has a queue of its own
    async def on_sync_requested(event: SyncRequested) -> list[Event]:
        return await sync(event, registry, http)

    return stage


def main() -> None:
    build(FetcherSettings()).run()


if __name__ == "__main__":
    main()
