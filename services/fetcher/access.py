"""Which credential an upstream is read with: the account that the member connected, or the application's own."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from integrations.base import Known, Looked
from integrations.connections.as_member import HIDDEN, AsMember, Connections, Tokens, seen_by_all
from integrations.credentials import Credentials
from integrations.registry import Recognised
from kit.errors import ContentBlockedError, CredentialRefusedError
from kit.mongo import Document
from kit.upstream import Upstream
from schemas.content import Item
from schemas.events import SyncRequested
from services.fetcher.snapshots import PUBLIC, Snapshots


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be looked at, for whom. What everybody may see and was read after `not_before` is not read again;
    what only the member's account sees, always is."""

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
        return cls(event.user_id, known, event.max_items, waits, not_before, source["connection"])


@dataclass(frozen=True, slots=True)
class Sight:
    """`connection` is the provider whose account it takes to see this: the next look need not try without."""

    looked: Looked
    seen_at: datetime
    connection: str | None = None


class Access:
    def __init__(self, tokens: Tokens, connections: Connections, http: Upstream, snapshots: Snapshots) -> None:
        self._as_member = AsMember(tokens, connections)
        self._connections = connections
        self._http = http
        self._snapshots = snapshots

    async def fetch(self, found: Recognised, user_id: str, *, interactive: bool) -> Item:
        """What was recognised, as this member may see it: with their account first. Raises the errors of
        `kit.errors`."""

        async def see(credentials: Credentials) -> Item:
            seen_at = self._http.now()
            item = await found.integration.fetch(found.ref, self._http, credentials)
            return item.model_copy(update={"seen_at": seen_at})

        return await self._as_member.read(found.integration, user_id, see, interactive=interactive)

    async def look(self, found: Recognised, look: Look, spent: Counter[str]) -> Sight:
        """What there is to see of a source: as the public sees it first, as that serves all who follow it, and with the
        member's account what the public does not see. The units that it takes are counted in `spent`, also where it
        raises one of the errors of `kit.errors`."""

        integration = found.integration

        async def see(credentials: Credentials) -> Sight:
            if credentials.token is None:
                view = self._snapshots.view(PUBLIC, spent, look.not_before)
            else:
                view = self._snapshots.view(f"{look.user_id} {integration.name} {credentials.account}", spent)
            looked = await integration.look(found.ref, view.http, credentials, look.known, look.max_items)
            needed = credentials.token is not None and _is_private(looked)
            return Sight(looked, view.seen_at, integration.name if needed else None)

        hidden = None
        if look.connection is None:
            try:
                ours = Credentials(user_id=look.user_id, interactive=look.interactive)
                return await seen_by_all(integration, see, ours)
            except ContentBlockedError:
                raise
            except (*HIDDEN, CredentialRefusedError) as problem:
                if await self._connections.find(look.user_id, integration.name) is None:
                    raise
                hidden = problem
        return await self._as_member.read(
            integration, look.user_id, see, interactive=look.interactive, as_public=hidden
        )


def _is_private(looked: Looked) -> bool:
    return any(it.is_private for it in looked.items) or any(it.state == "private" for it in looked.standings)
