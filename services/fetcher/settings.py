"""Settings of the fetcher: where the upstreams are, the application's credentials, and the keys of the members'."""

from integrations.connections.settings import ConnectionSettings
from kit.app import StageSettings
from kit.vault import VaultSettings


class FetcherSettings(StageSettings, ConnectionSettings, VaultSettings):
    port: int = 9111
