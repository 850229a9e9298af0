"""Which credential an upstream is read with: the account that the member connected, or the application's own."""

from collections import Counter
from dataclasses import replace

from integrations.base import SyncResult
from integrations.connections.as_member import HIDDEN, AsMember, Connections, Tokens, seen_by_all
from integrations.credentials import Credentials
from integrations.registry import Recognised
from kit.errors import ContentBlockedError, CredentialRefusedError
from kit.upstream import Upstream
from schemas.content import Item
from services.fetcher.job import SyncJob
from services.fetcher.response_cache import PUBLIC, ResponseCache


class CredentialedReader:
    def __init__(self, tokens: Tokens, connections: Connections, http: Upstream, responses: ResponseCache) -> None:
        self._as_member = AsMember(tokens, connections)
        self._connections = connections
        self._http = http
        self._responses = responses

    async def fetch(self, found: Recognised, user_id: str, *, interactive: bool) -> Item:
        """What was recognised, as this member may see it: with their account first. Raises the errors of
        `kit.errors`."""

        async def see(credentials: Credentials) -> Item:
            seen_at = self._http.now()
            item = await found.integration.fetch(found.ref, self._http, credentials)
            return item.model_copy(update={"seen_at": seen_at})

        return await self._as_member.read(found.integration, user_id, see, interactive=interactive)

    async def sync(self, found: Recognised, job: SyncJob, spent: Counter[str]) -> SyncResult:
        """Read what is new in a source: first as the public sees it, which serves all who follow it, then with the
        member's account. Adds the units it takes to `spent`, by bucket, also where it raises one of the errors of
        `kit.errors`."""
        integration, user_id = found.integration, job.event.user_id

        async def see(credentials: Credentials) -> SyncResult:
            if credentials.token is None:
                view = self._responses.view(PUBLIC, spent, job.not_before)
            else:
                view = self._responses.view(f"{user_id} {integration.name} {credentials.account}", spent)
            result = await integration.sync(found.ref, view.http, credentials, job.state, job.event.max_items)
            needed = credentials.token is not None and _is_private(result)
            return replace(result, read_at=view.seen_at, connection=integration.name if needed else None)

        hidden = None
        if job.source["connection"] is None:
            try:
                return await seen_by_all(integration, see, Credentials(user_id=user_id, interactive=job.interactive))
            except ContentBlockedError:
                raise
            except (*HIDDEN, CredentialRefusedError) as problem:
                if await self._connections.find(user_id, integration.name) is None:
                    raise
                hidden = problem
        return await self._as_member.read(integration, user_id, see, interactive=job.interactive, as_public=hidden)


def _is_private(result: SyncResult) -> bool:
    return any(it.is_private for it in result.items) or any(it.state == "private" for it in result.standings)
