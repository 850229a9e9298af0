"""Settings of the fetcher: where the upstreams are, the application's credentials, and the keys of the members'."""

from datetime import timedelta

from integrations.connections.settings import ConnectionSettings
from kit.settings import Seconds
from kit.vault import VaultSettings
from records.stage import StageSettings


class FetcherSettings(StageSettings, ConnectionSettings, VaultSettings):
    port: int = 9111
    # What everybody may see and was read so lately serves all who follow it, without a request
    snapshots_fresh: Seconds = timedelta(hours=1)
    # What a source has not found for so long may have become private: what was made of it is hidden from others
    hide_gone_after: Seconds = timedelta(days=7)
