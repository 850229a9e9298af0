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
from integrations.github.repositories import Repositories
from integrations.provider import Provider, Purpose
from integrations.youtube.integration import YouTube
from kit.budgets import Budgets
from kit.mongo import Database
from kit.upstream import Upstream
from kit.vault import Vault
from services.gateway.web.provided import provided


class Channels:
    """Finds the channel that somebody names. `http` may call YouTube's API."""

    def __init__(self, youtube: YouTube, http: Upstream, as_member: AsMember) -> None:
        self._youtube = youtube
        self._http = http
        self._as_member = as_member

    async def named(self, text: str, credentials: Credentials) -> FoundCollection:
        """With the account of the member that the credentials name, or as the public sees it."""

        async def see(credentials: Credentials) -> FoundCollection:
            return await self._youtube.collection.find(text, self._http, credentials)

        return await self._as_member.read(self._youtube, credentials.user_id, see)

    async def found(self, text: str, credentials: Credentials) -> FoundCollection:
        """As the public sees it, and it exists."""
        return await self._youtube.collection.find(text, self._http, credentials, must_exist=True)


@dataclass(frozen=True, slots=True)
class Accounts:
    oauth: OAuth
    connections: Connections
    tokens: Tokens
    repositories: Repositories
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
    http = Upstream(transport, [settings.github_api_url, settings.youtube_api_url], budgets=budgets)
    return Accounts(
        oauth=oauth,
        connections=connections,
        tokens=tokens,
        repositories=Repositories(settings, http),
        channels=Channels(YouTube(settings), http, AsMember(tokens, connections)),
        offered={name: row for name, row in providers.items() if row.offers(Purpose.CONNECT) and vault.kids},
    )


AccountsDep = Annotated[Accounts, provided(Accounts)]
