"""Members who decide without being asked, so that a test needs no browser."""

from dataclasses import dataclass
from typing import Any

from sandbox.data.members import member
from sandbox.oauth.model import CLIENTS


@dataclass(frozen=True)
class Consent:
    """What is answered at once instead of showing the page."""

    member: str
    deny: bool = False
    without: tuple[str, ...] = ()  # scopes that they untick


class Consents:
    """By provider; `*` stands for every other one."""

    def __init__(self) -> None:
        self._consents: dict[str, Consent] = {}

    def set(self, provider: str, described: dict[str, Any]) -> None:
        """Raises `ValueError` for a provider or a member that does not exist."""
        if provider not in {*CLIENTS, "*"}:
            raise ValueError(f"no provider {provider!r}; there are {[*CLIENTS, '*']}")
        consent = Consent(**described | {"without": tuple(described.get("without", ()))})
        member(consent.member)
        self._consents[provider] = consent

    def of(self, provider: str) -> Consent | None:
        return self._consents.get(provider) or self._consents.get("*")

    def reset(self) -> None:
        self._consents.clear()
