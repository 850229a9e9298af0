"""The contract of an integration. CONTRIBUTING says how to add one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from integrations.client import Client
from integrations.collection import Collection
from integrations.credentials import Credentials
from integrations.links import WEB, Link
from integrations.provider import Provider
from integrations.repositories import Repositories
from integrations.webhook import Webhook
from kit.settings import Settings
from kit.text.service import TextService
from kit.upstream import Upstream
from schemas.content import Item
from schemas.events import UpstreamStatus


@dataclass(frozen=True, slots=True)
class Ref:
    """What a link names, taken from it once.

    `url` is canonical, and with the member the project's identity. `id` is the provider's own, as owner/name.
    """

    url: str
    id: str
    is_collection: bool = False  # it can be followed, and is no item itself


@dataclass(frozen=True, slots=True)
class SyncState:
    """What the syncs of a source before this one left behind; nothing at the first one.

    `ids` are the external ids of all that it has handed on, `cursor` is the last `SyncResult.cursor`.
    """

    ids: frozenset[str] = frozenset()
    cursor: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is listed and cannot be had now. A later sync may have it, where the suggestion says so."""

    external_id: str
    url: str
    title: str
    reason: str  # words for the member
    suggestion: str = "Nothing to do: it is imported automatically once it is visible."


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync of a source found, from answers that were complete.

    `items` are new, or known and read anew: who asked compares them with what it has, so that it does no harm to bring
    what is the same. `standings` tell of known items that could not be read any more, or can be again. What is named
    in neither stands as before.
    """

    items: tuple[Item, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    standings: tuple[UpstreamStatus, ...] = ()
    url: str | None = None  # the source's canonical link, where that is another one now
    display_name: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)  # of the source, for the API; merged into what it has
    cursor: Mapping[str, Any] = field(default_factory=dict)  # small; for the next sync, in place of the last one's
    read_at: datetime | None = None  # when the oldest response was read; the fetcher sets this and the next
    connection: str | None = None  # the provider whose account it took


S = TypeVar("S", bound=Settings)
C = TypeVar("C", bound=Client[Any])


class Integration(ABC, Generic[S, C]):
    """One provider: which links are its own, how they are read, and how its JSON becomes an `Item`."""

    name: ClassVar[str]  # in events and in the API
    title: ClassVar[str]  # for people
    limit_kind: ClassVar[str]  # what a member's hourly limit counts, for people: repositories
    hosts: tuple[str, ...]  # with all their subdomains
    schemes: ClassVar[frozenset[str]] = WEB
    samples: ClassVar[Mapping[str, str]]  # every accepted form of a link → its canonical URL, at the default settings
    refused: ClassVar[tuple[str, ...]]  # pages of the provider's own that are not imported
    needed_scopes: ClassVar[frozenset[str]] = frozenset()  # without them a member's token is of no use
    supports_auto_sync: ClassVar[bool] = True  # whether reading again, unasked, brings news of the same thing
    oauth: ClassVar[tuple[Provider, ...]] = ()  # how members connect their accounts
    collection: Collection | None = None  # what finds the collections that can be followed as a whole
    repositories: Repositories | None = None  # what lists those of a connected account
    webhook: ClassVar[Webhook | None] = None
    client: type[C]

    def __init__(self, settings: S, texts: TextService | None = None) -> None:
        self.settings = settings
        self.texts = texts or TextService()

    @property
    def bases(self) -> tuple[str, ...]:
        """Return the addresses that may be called; nothing else is reachable."""
        return (getattr(self.settings, self.client.api_url),)

    def owns(self, link: Link) -> bool:
        """Whether the link's host is this provider's, whatever the page."""
        return any(link.host == host or link.host.endswith(f".{host}") for host in self.hosts)

    @abstractmethod
    def parse(self, link: Link) -> Ref:
        """Return what a link of this provider names; the canonical link names the same. No I/O.

        Raises InvalidURLError, with a hint where the page cannot be imported.
        """

    def parse_source(self, link: Link) -> Ref:
        """Return what can be followed at a link: what `parse` finds, unless whole collections are followed as well."""
        return self.parse(link)

    @abstractmethod
    async def read(self, ref: Ref, client: C) -> Item:
        """Read one item, with `Item.url` canonical: another one where the thing has moved.

        Raises the errors of `kit.errors`; nothing of the upstream's own wording is in them.
        """

    async def read_news(self, ref: Ref, client: C, state: SyncState, max_items: int) -> SyncResult:
        """Read what is new or changed, the newest first. `max_items` bounds the first sync; later ones bring all that
        was missed.

        The client remembers responses for those who sync with the same credential: it sends validators along, answers
        a 304 with what it remembers, and does not ask again at once for what is public. So write it as if every
        response were new. Raises the errors of `kit.errors`, ContentNotFoundError only where the upstream says so of
        the source itself.
        """
        return SyncResult(items=(await self.read(ref, client),))

    async def fetch(self, ref: Ref, http: Upstream, credentials: Credentials) -> Item:
        """Read one item on somebody's behalf. What is private is read with the member's own token alone: what the
        application's token may see is not every member's to see. Raises as `read` does."""
        client = self.connect(http, credentials)
        return _visible(await self.read(ref, client), client)

    async def sync(
        self, ref: Ref, http: Upstream, credentials: Credentials, state: SyncState, max_items: int
    ) -> SyncResult:
        """Read what is new of a followed source on somebody's behalf; private items as `fetch` does. Raises as
        `read_news` does."""
        client = self.connect(http, credentials)
        result = await self.read_news(ref, client, state, max_items)
        for item in result.items:
            if item.url == (result.url or ref.url):
                _visible(item, client)
        return replace(result, items=tuple(it for it in result.items if client.connected or not it.is_private))

    def connect(self, http: Upstream, credentials: Credentials) -> C:
        return self.client(self.settings, http, credentials)


def _visible(item: Item, client: Client[Any]) -> Item:
    if item.is_private and not client.connected:
        raise client.not_found()
    return item
