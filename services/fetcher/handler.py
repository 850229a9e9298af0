"""Stage 1: read the item behind a link. The fetcher is the only service that calls providers."""

from typing import Protocol

from integrations.registry import IntegrationRegistry, Recognised
from schemas.content import Item
from schemas.events import ContentFetched, ImportRequested


class CredentialedReader(Protocol):
    async def fetch(self, found: Recognised, user_id: str, *, interactive: bool) -> Item: ...


async def fetch(event: ImportRequested, registry: IntegrationRegistry, reader: CredentialedReader) -> ContentFetched:
    """Raises the typed errors of `kit.errors`, as the integration does."""
    found = registry.recognise(event.url)
    return fetched(event, await reader.fetch(found, event.user_id, interactive=True))


def fetched(event: ImportRequested, item: Item) -> ContentFetched:
    """`url` is the item's own from here on: a renamed repository goes by its new name."""
    return ContentFetched(
        id=event.child_id(ContentFetched, item.external_id),
        import_id=event.import_id,
        user_id=event.user_id,
        url=item.url,
        item=item,
        options=event.options,
    )
