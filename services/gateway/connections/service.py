"""Members' accounts elsewhere: the ones that they sign in with, and the ones that imports read; and what is read of the
public before an import."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import httpx2

from integrations.collection import FoundCollection
from integrations.connections.as_member import AsMember
from integrations.connections.oauth import OAuth
from integrations.connections.providers import build_providers
from integrations.connections.settings import ConnectionSettings
from integrations.connections.store import Connections
from integrations.connections.tokens import Tokens
from integrations.credentials import Credentials
from integrations.provider import Provider, Purpose
from integrations.registry import IntegrationRegistry, build_registry
from kit.budgets import Budgets
from kit.errors import InvalidURLError
from kit.mongo import Database
from kit.upstream import Upstream
from kit.vault import Vault
from services.gateway.web.provided import provided


class Channels:
    """Finds the collection that somebody names. `http` may call the integrations' APIs."""

    def __init__(self, registry: IntegrationRegistry, http: Upstream, as_member: AsMember) -> None:
        self._registry = registry
        self._http = http
        self._as_member = as_member

    async def named(self, platform: str, text: str, credentials: Credentials) -> FoundCollection:
        """With the account of the member that the credentials name, or as the public sees it."""
        integration = self._registry.get(platform)
        collection = integration.collection
        assert collection is not None  # noqa: S101  # the address is of one that has them

        async def see(credentials: Credentials) -> FoundCollection:
            return await collection.find(text, self._http, credentials)

        return await self._as_member.read(integration, credentials.user_id, see)

    async def found(self, text: str, credentials: Credentials) -> FoundCollection:
        """As the public sees it, and it exists: the collection of the first provider that takes the text."""
        refused = InvalidURLError("This names nothing that can be followed.")
        for collection in (one.collection for one in self._registry.list_all() if one.collection):
            try:
                return await collection.find(text, self._http, credentials, must_exist=True)
            except InvalidURLError as error:
                refused = error
        raise refused


@dataclass(frozen=True, slots=True)
class Accounts:
    oauth: OAuth
    connections: Connections
    tokens: Tokens
    registry: IntegrationRegistry
    http: Upstream  # to the integrations' APIs
    channels: Channels
    offered: Mapping[str, Provider]  # those that can be connected; none without a key to seal their tokens with


def open_accounts(
    db: Database,
    transport: httpx2.AsyncBaseTransport,
    settings: ConnectionSettings,
    vault: Vault,
    budgets: Budgets | None = None,
) -> Accounts:
    """`transport` and `budgets` stay the caller's to close; without the latter no call costs anything."""
    providers = build_providers(settings)
    oauth = OAuth(providers, transport)
    connections = Connections(db, vault)
    tokens = Tokens(connections, oauth, refused_for=settings.token_refused_for)
    registry = build_registry(settings)
    http = Upstream(transport, registry.bases, budgets=budgets)
    return Accounts(
        oauth=oauth,
        connections=connections,
        tokens=tokens,
        registry=registry,
        http=http,
        channels=Channels(registry, http, AsMember(tokens, connections)),
        offered={name: row for name, row in providers.items() if row.offers(Purpose.CONNECT) and vault.kids},
    )


AccountsDep = Annotated[Accounts, provided(Accounts)]
