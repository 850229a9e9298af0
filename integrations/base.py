"""The whole contract of an integration. To add one: a file, a line in `registry.py`, recordings for the tests."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import SecretStr

from integrations.links import Link
from kit.errors import InvalidURLError, UpstreamUnavailableError
from kit.http import Response, Upstream
from schemas.content import Item


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


class Integration(ABC):
    name: ClassVar[str]  # in events and in the API
    title: ClassVar[str]  # for people
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


def nonsense(title: str) -> UpstreamUnavailableError:
    """A success without what every success has."""
    return UpstreamUnavailableError(f"{title} sent an answer that makes no sense.")


def unexpected(response: Response) -> UpstreamUnavailableError:
    return UpstreamUnavailableError(f"{response.service} answered in a way we did not expect ({response.status}).")
