"""Which settings each process declares. It is given these variables of the environment, and no other setting."""

from collections.abc import Iterable, Mapping

from deploy.local.settings import LocalSettings
from integrations.connections.settings import ConnectionSettings
from integrations.registry import IntegrationSettings
from kit.settings import KafkaSettings, KeyedSettings, MongoSettings, ProcessSettings, Settings
from kit.vault import VaultSettings
from services.analyzer.settings import AnalyzerSettings
from services.awarder.settings import AwarderSettings
from services.fetcher.settings import FetcherSettings
from services.gateway.settings import GatewaySettings
from services.scheduler.settings import SchedulerSettings
from services.transformer.settings import TransformerSettings
from services.writer.settings import WriterSettings

SETTINGS: dict[str, tuple[type[Settings], ...]] = {
    "fetcher": (FetcherSettings,),
    "analyzer": (AnalyzerSettings,),
    "transformer": (TransformerSettings,),
    "writer": (WriterSettings,),
    "awarder": (AwarderSettings,),
    "scheduler": (SchedulerSettings,),
    "gateway": (GatewaySettings, ConnectionSettings, VaultSettings),
}
# What Python, the C library and a shell need. Nothing of it is a setting of ours.
SYSTEM = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR", "LD_LIBRARY_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV",
})  # fmt: skip
SYSTEM_PREFIXES = ("LC_", "PYTHON")


def declared(process: str) -> frozenset[str]:
    """The names of the settings that a process reads, in capitals."""
    names = _names(SETTINGS[process])
    # the scheduler reads where the providers are, and none of their secrets
    return names | (_names([IntegrationSettings]) - secrets() if process == "scheduler" else frozenset())


def secrets() -> frozenset[str]:
    """The names of all settings that are secrets."""
    kinds = {kind for kinds in SETTINGS.values() for kind in kinds}
    return frozenset(
        name.upper()
        for kind in kinds
        for name, field in kind.model_fields.items()
        if "SecretStr" in str(field.annotation)
    )


def withheld(process: str, environment: Mapping[str, str]) -> list[str]:
    """The variables of the environment that are not this process's."""
    own = declared(process) | SYSTEM
    return sorted(
        name for name in environment if name.upper() not in own and not name.upper().startswith(SYSTEM_PREFIXES)
    )


def of_the_real_system() -> frozenset[str]:
    """The settings that speak of real upstreams, keys and addresses: a demonstration takes none of them."""
    everything = _names(kind for kinds in SETTINGS.values() for kind in kinds)
    return everything - _names([LocalSettings, KafkaSettings, KeyedSettings, MongoSettings, ProcessSettings])


def _names(kinds: Iterable[type[Settings]]) -> frozenset[str]:
    return frozenset(name.upper() for kind in kinds for name in kind.model_fields)
