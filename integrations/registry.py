"""All integrations, sorted by name, and their settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.base import Integration, Ref
from integrations.collection import Collection
from integrations.github.integration import GitHub
from integrations.github.settings import GitHubSettings
from integrations.links import Link, parse
from integrations.youtube.integration import YouTube
from integrations.youtube.settings import YouTubeSettings
from kit.errors import InvalidURLError
from kit.text.service import TextService

AnyIntegration = Integration[Any, Any]

INTEGRATIONS: tuple[type[AnyIntegration], ...] = (
    GitHub,
    YouTube,
)


class IntegrationSettings(GitHubSettings, YouTubeSettings):
    """What all integrations are told from outside."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A link, recognised once: what it names, and whose it is."""

    integration: AnyIntegration
    ref: Ref

    @property
    def url(self) -> str:
        """The canonical URL."""
        return self.ref.url

    @property
    def identifier(self) -> str:
        """What the API calls it: the provider's id of a collection, the link of anything else."""
        return self.ref.id if self.ref.is_collection else self.ref.url

    @property
    def counted_as(self) -> str:
        """What a member's hourly limit counts it as."""
        collection = self.integration.collection
        return f"{collection.noun}s" if collection and self.ref.is_collection else self.integration.limit_kind


class IntegrationRegistry:
    def __init__(self, integrations: Iterable[AnyIntegration]) -> None:
        self._by_name = {integration.name: integration for integration in integrations}

    @property
    def bases(self) -> tuple[str, ...]:
        """Every address that an `Upstream` must be allowed to call."""
        return tuple(base for integration in self._by_name.values() for base in integration.bases)

    def list_all(self) -> tuple[AnyIntegration, ...]:
        return tuple(self._by_name.values())

    def get(self, name: str) -> AnyIntegration:
        """Raises KeyError."""
        return self._by_name[name]

    @property
    def feeds(self) -> Mapping[str, Collection]:
        """Return the collections that a WebSub hub pushes, by their integrations' names."""
        found = {name: integration.collection for name, integration in self._by_name.items()}
        return {name: collection for name, collection in found.items() if collection and collection.topic("")}

    def recognise(self, url: str) -> Recognised:
        """Return what a pasted link names. Raises InvalidURLError, which says as precisely as it can what is wrong."""
        link = self._parse(url)
        integration = self._owner(link)
        return Recognised(integration, integration.parse(link))

    def recognise_source(self, url: str) -> Recognised:
        """Return what can be followed at a link. Raises InvalidURLError likewise."""
        link = self._parse(url)
        integration = self._owner(link)
        if not integration.supports_auto_sync:
            raise InvalidURLError(f"What is on {integration.title} cannot be followed.")
        return Recognised(integration, integration.parse_source(link))

    def _parse(self, url: str) -> Link:
        try:
            return parse(url)
        except InvalidURLError as error:
            error.suggestion = self._suggestion
            raise

    @property
    def _suggestion(self) -> str:
        """Say which links are imported, as in: Paste the link of a GitHub repository or a YouTube video."""
        things = [f"a {integration.title} {integration.client.noun}" for integration in self.list_all()]
        return f"Paste the link of {' or '.join(filter(None, [', '.join(things[:-1]), *things[-1:]]))}."

    def _owner(self, link: Link) -> AnyIntegration:
        for integration in self.list_all():
            if integration.owns(link):
                if link.scheme in integration.schemes:
                    return integration
                raise InvalidURLError(f"This is not a link to {integration.title}.", suggestion=self._suggestion)
        for integration in self.list_all():
            if integration.name in link.host:
                error = f"This looks like {integration.title}, but it is another site."
                raise InvalidURLError(error, suggestion=self._suggestion)
        raise InvalidURLError("We cannot import from this site.", suggestion=self._suggestion)


def build_registry(settings: IntegrationSettings, texts: TextService | None = None) -> IntegrationRegistry:
    """Build all integrations. A process that fetches gives `texts` that has workers."""
    return IntegrationRegistry(integration(settings, texts) for integration in INTEGRATIONS)
