"""Which credential an upstream is read with: the account that the member connected, or the application's own."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from integrations.base import SyncResult, SyncState
from integrations.connections.as_member import HIDDEN, AsMember, Connections, Tokens, seen_by_all
from integrations.credentials import Credentials
from integrations.registry import Recognised
from kit.errors import ContentBlockedError, CredentialRefusedError
from kit.mongo import Document
from kit.upstream import Upstream
from schemas.content import Item
from schemas.events import SyncRequested
from services.fetcher.response_cache import PUBLIC, ResponseCache


@dataclass(frozen=True, slots=True)
class SyncJob:
    """What is to be synced, for whom. What everybody may see and was read after `not_before` is not read again;
    what only the member's account sees, always is."""

    user_id: str
    known: SyncState
    max_items: int
    interactive: bool
    not_before: datetime
    connection: str | None  # the provider whose account the last sync needed

    @classmethod
    def at(cls, source: Document, event: SyncRequested, ids: frozenset[str], *, not_before: datetime) -> Self:
        """`ids` is what the source has handed on."""
        known = SyncState(ids, source.get("cursor") or {})
        waits = event.task_id is not None
        return cls(event.user_id, known, event.max_items, waits, not_before, source["connection"])


@dataclass(frozen=True, slots=True)
class SyncView:
    """`connection` is the provider whose account it takes to see this: the next sync need not try without."""

    result: SyncResult
    seen_at: datetime
    connection: str | None = None


class CredentialedReader:
    def __init__(self, tokens: Tokens, connections: Connections, http: Upstream, snapshots: ResponseCache) -> None:
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

    async def sync(self, found: Recognised, job: SyncJob, spent: Counter[str]) -> SyncView:
        """What there is to see of a source: as the public sees it first, as that serves all who follow it, and with the
        member's account what the public does not see. The units that it takes are counted in `spent`, also where it
        raises one of the errors of `kit.errors`."""

        integration = found.integration

        async def see(credentials: Credentials) -> SyncView:
            if credentials.token is None:
                view = self._snapshots.view(PUBLIC, spent, job.not_before)
            else:
                view = self._snapshots.view(f"{job.user_id} {integration.name} {credentials.account}", spent)
            result = await integration.sync(found.ref, view.http, credentials, job.known, job.max_items)
            needed = credentials.token is not None and _is_private(result)
            return SyncView(result, view.seen_at, integration.name if needed else None)

        hidden = None
        if job.connection is None:
            try:
                ours = Credentials(user_id=job.user_id, interactive=job.interactive)
                return await seen_by_all(integration, see, ours)
            except ContentBlockedError:
                raise
            except (*HIDDEN, CredentialRefusedError) as problem:
                if await self._connections.find(job.user_id, integration.name) is None:
                    raise
                hidden = problem
        return await self._as_member.read(integration, job.user_id, see, interactive=job.interactive, as_public=hidden)


def _is_private(result: SyncResult) -> bool:
    return any(it.is_private for it in result.items) or any(it.state == "private" for it in result.standings)
