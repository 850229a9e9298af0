"""Collections that members follow as a whole: a channel, a feed, an author."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from integrations.credentials import Credentials
from kit.upstream import Upstream


@dataclass(frozen=True, slots=True)
class FoundCollection:
    """What a source of a collection begins with."""

    platform: str  # the integration's name
    url: str  # canonical
    id: str  # the provider's own, by which the API and the provider's pushes name it
    title: str
    metadata: Mapping[str, str | int | None]


class Collection(Protocol):
    """What an integration offers whose provider has collections."""

    noun: str  # for people: channel

    async def find(
        self, text: str, http: Upstream, credentials: Credentials, *, must_exist: bool = False
    ) -> FoundCollection:
        """Find the collection that a link, an id or another name of it names.

        An id is taken as it is, unless it `must_exist`. Raises InvalidURLError for a text that names none, and the
        errors of `kit.errors`.
        """

    def url_of(self, collection_id: str) -> str:
        """Return the canonical link of the collection with this id. No I/O."""

    def topic(self, collection_id: str) -> str:
        """Return the address of the feed that the provider's WebSub hub pushes; empty where it pushes none. No I/O."""

    def names(self, topic: str, collection_id: str) -> bool:
        """Whether a hub's topic is this collection's feed; hubs know several spellings of an address. No I/O."""

    def pushed(self, body: bytes, collection_id: str) -> tuple[str, ...]:
        """Return a name for each change of this collection that a push tells of. Raises ValueError for a body that is
        no push. No I/O."""
