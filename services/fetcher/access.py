"""Which credential an upstream is read with: the account that the member connected, or the application's own."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self, TypeVar

from integrations.base import Credentials, Integration, Known, Looked
from integrations.connections.model import Connection, ConnectionState
from integrations.connections.tokens import FreshToken
from kit.errors import (
    ContentNotFoundError,
    IntegrationAuthError,
    ReauthRequiredError,
    TokenRefusedError,
    UpstreamUnavailableError,
)
from kit.http import Upstream
from kit.mongo import Document
from schemas.content import Item
from schemas.events import SyncRequested
from services.fetcher.snapshots import PUBLIC, Snapshots

T = TypeVar("T")


class Tokens(Protocol):
    async def fresh(self, user_id: str, provider: str) -> FreshToken | None: ...
    async def refused(self, used: FreshToken) -> FreshToken | None: ...


class Connections(Protocol):
    async def find(self, user_id: str, provider: str) -> Connection | None: ...


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be looked at, for whom. What everybody may see and was read after `not_before` is not read again;
    what only the member's account sees, always is."""

    url: str
    user_id: str
    known: Known
    max_items: int
    interactive: bool
    not_before: datetime
    connection: str | None  # the provider whose account the last look needed

    @classmethod
    def at(cls, source: Document, event: SyncRequested, ids: frozenset[str], *, not_before: datetime) -> Self:
        """`ids` is what the source has handed on."""
        known = Known(ids, source.get("memory") or {})
        waits = event.task_id is not None
        return cls(event.url, event.user_id, known, event.max_items, waits, not_before, source["connection"])


@dataclass(frozen=True, slots=True)
class Sight:
    """`connection` is the provider whose account it takes to see this: the next look need not try without."""

    looked: Looked
    seen_at: datetime
    connection: str | None = None


class Access:
    def __init__(self, tokens: Tokens, connections: Connections, http: Upstream, snapshots: Snapshots) -> None:
        self._tokens = tokens
        self._connections = connections
        self._http = http
        self._snapshots = snapshots

    async def fetch(self, integration: Integration, url: str, user_id: str, *, interactive: bool) -> Item:
        """What stands at `url`, as this member may see it: with their account first. Raises the errors of
        `kit.errors`."""

        async def see(credentials: Credentials) -> Item:
            seen_at = self._http.now()
            item = await integration.fetch(url, self._http, credentials)
            return item.model_copy(update={"seen_at": seen_at})

        return await self._as_member(integration, user_id, see, interactive=interactive)

    async def look(self, integration: Integration, look: Look, spent: Counter[str]) -> Sight:
        """What there is to see of a source: as the public sees it first, as that serves all who follow it, and with the
        member's account what the public does not see. The units that it takes are counted in `spent`, also where it
        raises one of the errors of `kit.errors`."""

        async def see(credentials: Credentials) -> Sight:
            if credentials.token is None:
                view = self._snapshots.view(PUBLIC, spent, look.not_before)
            else:
                view = self._snapshots.view(f"{look.user_id} {integration.name} {credentials.account}", spent)
            looked = await integration.look(look.url, view.http, credentials, look.known, look.max_items)
            needed = credentials.token is not None and _is_private(looked)
            return Sight(looked, view.seen_at, integration.name if needed else None)

        ours = Credentials(user_id=look.user_id, interactive=look.interactive)
        if look.connection is None:
            try:
                return await see(ours)
            except TokenRefusedError:  # ours, and no matter of the member's
                raise UpstreamUnavailableError(f"{integration.title} does not let us in at the moment.") from None
            except (ContentNotFoundError, IntegrationAuthError):
                if await self._connections.find(look.user_id, integration.name) is None:
                    raise
        return await self._as_member(integration, look.user_id, see, interactive=look.interactive)

    async def _as_member(
        self,
        integration: Integration,
        user_id: str,
        see: Callable[[Credentials], Awaitable[T]],
        *,
        interactive: bool,
    ) -> T:
        """Without a working connection it is looked for as the public sees it. What the public does not see waits for
        the member where their account has to be connected again, and fails where it is not connected any more, or
        without the permission that it takes.
        """
        ours = Credentials(user_id=user_id, interactive=interactive)
        try:
            token = await self._tokens.fresh(user_id, integration.name)
            if token is not None and integration.needed_scopes <= set(token.scopes):
                return await self._with(token, see, interactive=interactive)
        except ReauthRequiredError as held:
            try:
                return await see(ours)
            except (ContentNotFoundError, IntegrationAuthError):
                raise held from None
        try:
            return await see(ours)
        except (ContentNotFoundError, IntegrationAuthError) as hidden:
            if token is not None:
                raise _lacks_scope(integration) from None
            connection = await self._connections.find(user_id, integration.name)
            gone = connection is not None and connection.state is ConnectionState.DISCONNECTED
            if not gone or isinstance(hidden, IntegrationAuthError):
                raise
            raise IntegrationAuthError(
                f"{integration.title} does not show this to the public, and your account is not connected any more.",
                action=f"connect_{integration.name}",
                suggestion=f"Connect {integration.title} again, then retry the import.",
            ) from None

    async def _with(self, token: FreshToken, see: Callable[[Credentials], Awaitable[T]], *, interactive: bool) -> T:
        """A token that is refused before its time is renewed, and tried once more."""

        def member(token: FreshToken) -> Credentials:
            return Credentials(token.token, token.account_id, token.user_id, interactive)

        try:
            return await see(member(token))
        except TokenRefusedError:
            newer = await self._tokens.refused(token)
            if newer is None:  # disconnected meanwhile
                raise
            return await see(member(newer))


def _lacks_scope(integration: Integration) -> IntegrationAuthError:
    return IntegrationAuthError(
        f"Your {integration.title} account is connected, but without the permission to read from it.",
        action=f"connect_{integration.name}",
        suggestion=f"Connect {integration.title} again and allow all that it asks for, then retry the import.",
    )


def _is_private(looked: Looked) -> bool:
    return any(it.is_private for it in looked.items) or any(it.state == "private" for it in looked.standings)
