"""The application's own credentials at the upstreams: one that is refused is the operator's to mend."""

import structlog
from prometheus_client import Counter

from kit.errors import CredentialRefusedError

log = structlog.get_logger(__name__)

REFUSALS = Counter(
    "thrive_credential_refusals",
    "Answers that refuse a credential of the application's own, by its setting and the reason",
    ["setting", "reason"],
)


def refused(title: str, setting: str, reason: str) -> CredentialRefusedError:
    """`setting` holds the credential; `reason` is one of few words of ours, or of the provider's that we know."""
    REFUSALS.labels(setting, reason).inc()
    log.error("upstream refuses our own credential", upstream=title, setting=setting, reason=reason)
    return CredentialRefusedError(f"{title} refuses access at the moment.")
