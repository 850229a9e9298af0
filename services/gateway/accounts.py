"""Members' accounts elsewhere: the ones that they sign in with, and the ones that imports read; and what is read of the
public before an import."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from integrations.connections.model import Provider, Purpose
from integrations.connections.oauth import OAuth
from integrations.connections.providers import build_providers
from integrations.connections.settings import ConnectionSettings
from integrations.connections.store import Connections
from integrations.connections.tokens import Tokens
from integrations.github_repos import Repositories
from integrations.youtube_find import Channels
from kit.budgets import Budgets
from kit.http import Upstream
from kit.mongo import Database
from kit.vault import Vault, VaultSettings


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
    transport: httpx.AsyncBaseTransport,
    settings: ConnectionSettings,
    vault: Vault,
    budgets: Budgets | None = None,
) -> Accounts:
    """`transport` and `budgets` stay the caller's to close; without the latter no call costs anything."""
    providers = build_providers(settings)
    oauth = OAuth(providers, transport)
    connections = Connections(db, vault)
    http = Upstream(transport, [settings.github_api_url, settings.youtube_api_url], budgets=budgets)
    return Accounts(
        oauth=oauth,
        connections=connections,
        tokens=Tokens(connections, oauth),
        repositories=Repositories(settings, http),
        channels=Channels(settings, http),
        offered={name: row for name, row in providers.items() if row.offers(Purpose.CONNECT) and vault.kids},
    )


def no_accounts(db: Database) -> Accounts:
    """Of no provider; nothing of it calls anybody."""
    settings = ConnectionSettings.model_construct()
    return open_accounts(db, httpx.AsyncBaseTransport(), settings, Vault(VaultSettings.model_construct()))
