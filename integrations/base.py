"""The whole contract of an integration. To add one: a file, a line in `registry.py`, recordings for the tests."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import SecretStr

from integrations.links import Link
from kit.errors import InvalidURLError, UpstreamUnavailableError
from kit.http import Response
from kit.upstream import Upstream
from schemas.content import Item
from schemas.events import Standing


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the member connected, and for whom a fetch spends what the upstream allows.

    Without a token the application's own credential is used. `account` names the account at the provider that the
    token acts for: its budget is spent. A fetch that nobody waits for, a sync, is not `interactive`.
    """

    token: SecretStr | None = None
    account: str = ""
    user_id: str = ""
    interactive: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """What the looks at a source before this one left behind; nothing at the first one.

    `ids` are the external ids of all that it has handed on, `memory` is the last `Looked.memory`.
    """

    ids: frozenset[str] = frozenset()
    memory: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is listed and cannot be had now. A later look may have it, where the suggestion says so."""

    external_id: str
    url: str
    title: str
    reason: str  # words for the member
    suggestion: str = "Nothing to do: it is imported automatically once it is visible."


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a source found, from answers that were complete.

    `items` are new, or known and read anew: who asked compares them with what it has, so that it does no harm to bring
    what is the same. `standings` tell of known items that could not be read any more, or can be again. What is named
    in neither stands as before.
    """

    items: tuple[Item, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    standings: tuple[Standing, ...] = ()
    url: str | None = None  # the source's canonical link, where that is another one now
    display_name: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)  # of the source, for the API; merged into what it has
    memory: Mapping[str, Any] = field(default_factory=dict)  # small; for the next look, in place of the last one's


class Integration(ABC):
    name: ClassVar[str]  # in events and in the API
    title: ClassVar[str]  # for people
    needed_scopes: ClassVar[frozenset[str]] = frozenset()  # without them a member's token is of no use to `fetch`
    supports_auto_sync: ClassVar[bool]  # whether fetching again, unasked, brings news of the same thing
    sample_urls: ClassVar[Mapping[str, str]]  # every accepted shape → its canonical URL, at the default settings
    refused_urls: ClassVar[tuple[str, ...]]  # look-alikes and pages that are not imported, by anybody

    @property
    @abstractmethod
    def bases(self) -> tuple[str, ...]:
        """The API addresses that `fetch` calls; nothing else is reachable."""

    @abstractmethod
    def owns(self, link: Link) -> bool:
        """Whether the link's host is this provider's, whatever the page."""

    @abstractmethod
    def canonical_url(self, url: str) -> str:
        """The one spelling of a link, which with the member is the project's identity. No I/O; idempotent.

        Raises InvalidURLError, with a hint where the page is the provider's but cannot be imported.
        """

    def can_handle_url(self, url: str) -> bool:
        try:
            self.canonical_url(url)
        except InvalidURLError:
            return False
        return True

    @abstractmethod
    async def fetch(self, url: str, http: Upstream, credentials: Credentials) -> Item:
        """What stands at `url`, with `Item.url` canonical: another one where the thing has moved.

        Raises the errors of `kit.errors`; nothing of the upstream's own wording is in them.
        """

    def source_url(self, url: str) -> str:
        """The one spelling of the link of something that can be followed: a thing of its own, unless an integration
        follows collections as well. No I/O; idempotent. Raises InvalidURLError, with a hint."""
        return self.canonical_url(url)

    def source_identifier(self, url: str) -> str:
        """What the API calls what is followed at this canonical link: the link, unless the provider has another name
        for it. No I/O."""
        return url

    async def look(self, url: str, http: Upstream, credentials: Credentials, known: Known, max_items: int) -> Looked:
        """What is new or changed at a followed `url`, the newest first. `max_items` bounds the first look; later ones
        bring all that was missed.

        `http` remembers answers for those who look with the same credential: it sends validators along, answers a 304
        with what it remembers, and does not ask again at once for what everybody may see. So looks are written as if
        every answer were new. Raises the errors of `kit.errors`, ContentNotFoundError only where the upstream
        says so of the source itself: then nothing stands there any more.
        """
        return Looked(items=(await self.fetch(url, http, credentials),))


def nonsense(title: str) -> UpstreamUnavailableError:
    """A success without what every success has."""
    return UpstreamUnavailableError(f"{title} sent an invalid answer.")


def unexpected(response: Response) -> UpstreamUnavailableError:
    return UpstreamUnavailableError(f"{response.service} sent an unexpected answer ({response.status}).")
