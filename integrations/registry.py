"""All integrations, sorted by name."""

from collections.abc import Iterable

from integrations.base import Integration
from integrations.github.integration import GitHub
from integrations.links import parse
from integrations.settings import IntegrationSettings
from integrations.youtube.integration import YouTube
from kit.errors import InvalidURLError
from kit.text.service import TextService

INTEGRATIONS = (
    GitHub,
    YouTube,
)


class IntegrationRegistry:
    def __init__(self, integrations: Iterable[Integration]) -> None:
        self._by_name = {integration.name: integration for integration in integrations}

    @property
    def bases(self) -> tuple[str, ...]:
        """Every address that an `Upstream` must be allowed to call."""
        return tuple(base for integration in self._by_name.values() for base in integration.bases)

    def list_all(self) -> tuple[Integration, ...]:
        return tuple(self._by_name.values())

    def get(self, name: str) -> Integration:
        """Raises KeyError."""
        return self._by_name[name]

    def get_for_url(self, url: str) -> Integration:
        """Raises InvalidURLError, saying what is wrong with the link as precisely as it can be told."""
        integration = self._owner(url)
        integration.canonical_url(url)  # raises with its own hint
        return integration

    def get_for_source(self, url: str) -> Integration:
        """Of something that can be followed. Raises InvalidURLError likewise."""
        integration = self._owner(url)
        if not integration.supports_auto_sync:
            raise InvalidURLError(f"What is on {integration.title} cannot be followed.")
        integration.source_url(url)
        return integration

    def _owner(self, url: str) -> Integration:
        link = parse(url)
        for integration in self.list_all():
            if integration.owns(link):
                return integration
        for integration in self.list_all():
            if integration.name in link.host:
                raise InvalidURLError(f"This looks like {integration.title}, but it is another site.")
        raise InvalidURLError("We cannot import from this site.")


def build_registry(settings: IntegrationSettings, texts: TextService | None = None) -> IntegrationRegistry:
    """Who fetches gives `texts` that has workers; the others fetch nothing."""
    return IntegrationRegistry(integration(settings, texts) for integration in INTEGRATIONS)
