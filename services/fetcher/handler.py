"""Stage 1: a link becomes an item. The only place that talks to providers."""

from datetime import UTC, datetime
from typing import Protocol

from integrations.base import Integration
from integrations.registry import Registry
from schemas.content import Item
from schemas.events import ContentFetched, Event, ImportRequested, SourceSynced, SyncRequested


class Access(Protocol):
    async def fetch(self, integration: Integration, url: str, user_id: str, *, interactive: bool) -> Item: ...


async def fetch(event: ImportRequested, registry: Registry, access: Access) -> ContentFetched:
    """Raises the typed errors of `kit.errors`, as the integration does."""
    integration = registry.get_for_url(event.url)
    return fetched(event, await access.fetch(integration, event.url, event.user_id, interactive=True))


async def sync(event: SyncRequested, registry: Registry, access: Access) -> list[Event]:
    """A source that is one repository or video: its content anew, then the fact that it was looked at."""
    integration = registry.get_for_url(event.url)
    item = await access.fetch(integration, event.url, event.user_id, interactive=False)
    synced = SourceSynced(
        id=event.child_id(SourceSynced),
        import_id=event.import_id,
        user_id=event.user_id,
        url=event.url,
        source_id=event.source_id,
        items_found=1,
        synced_at=datetime.now(UTC),
    )
    return [fetched(event, item), synced]


def fetched(event: ImportRequested | SyncRequested, item: Item) -> ContentFetched:
    """`url` is the item's own from here on: a renamed repository goes by its new name."""
    return ContentFetched(
        id=event.child_id(ContentFetched, item.external_id),
        import_id=event.import_id,
        user_id=event.user_id,
        url=item.url,
        item=item,
        options=event.options,
    )
