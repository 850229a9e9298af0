"""Settings of the fetcher: where the upstreams are, and the application's credentials."""

from integrations.settings import IntegrationSettings
from kit.app import StageSettings


class FetcherSettings(StageSettings, IntegrationSettings):
    port: int = 9111
