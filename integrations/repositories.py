"""The repositories of a connected account, for members to choose from."""

from dataclasses import dataclass
from typing import Protocol

from integrations.credentials import Credentials
from kit.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Repository:
    external_id: str
    url: str  # canonical, as an import of it would have it
    full_name: str
    description: str
    language: str | None
    stars: int
    is_private: bool
    is_archived: bool
    is_fork: bool
    pushed_at: str | None


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry that no import can be made of."""

    full_name: str  # as far as it says one
    reason: str
    is_private: bool


@dataclass(frozen=True, slots=True)
class Page:
    repositories: tuple[Repository, ...]
    next: str | None  # what asks for the next page
    skipped: tuple[Unread, ...] = ()


class Repositories(Protocol):
    """What an integration offers whose provider lists an account's repositories."""

    private_scope: str  # with it, private repositories are listed as well

    async def page(self, http: Upstream, credentials: Credentials, at: str = "1", *, private: bool) -> Page:
        """Return those pushed to last first. `at` is a number, or `Page.next` of the page before.

        Raises ValueError where `at` is neither, and the errors of `fetch`.
        """
