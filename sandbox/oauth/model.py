"""How a provider grants, and why it refuses."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.exchange import Call


@dataclass(frozen=True)
class Client:
    """The importer, as it is registered with a provider."""

    id: str
    secret: str


CLIENTS = {
    name: Client(f"sandbox-{name}-client", f"sandbox-{name}-secret") for name in ("github", "google", "gitlab", "figma")
}


@dataclass(frozen=True)
class Rules:
    """What sets one provider's grants apart from another's."""

    provider: str
    title: str  # on the consent page
    new_access: Callable[[], str]
    new_refresh: Callable[[], str] | None = None  # None: no refresh tokens
    access_seconds: float | None = None  # None: tokens that do not expire
    rotates: bool = False  # a refresh token dies when it is used; using it again ends the grant
    revokes_all: bool = False  # revoking one token ends all that the member allowed the client
    offline_by_default: bool = True  # a refresh token without access_type=offline
    always_granted: frozenset[str] = frozenset()  # scopes that cannot be unticked
    granted: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda scopes: scopes  # how the provider writes them
    denied: Mapping[str, str] = field(default_factory=lambda: {"error": "access_denied"})
    says_who: Callable[[Call], Mapping[str, str]] = lambda _: {}  # more of the answer at the redirect: `iss`

    @property
    def client(self) -> Client:
        return CLIENTS[self.provider]


class Reason(StrEnum):
    CLIENT = "the client is unknown, or its secret is wrong"
    REDIRECT = "the redirect address is not the registered one, or not the one that was authorized"
    RESPONSE_TYPE = "response_type is not code"
    CHALLENGE = "code_challenge_method is not S256"
    CODE = "the code is unknown, used or expired"
    NO_VERIFIER = "the code verifier is missing"
    VERIFIER = "the code verifier does not fit the challenge"
    REFRESH = "the refresh token is unknown, used, expired or revoked"
    GRANT_TYPE = "the grant type is not supported"


class RefusedError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def words(prefix: str, length: int) -> Callable[[], str]:
    """Makes tokens of this look: a prefix and so many random hexadecimal digits."""
    return lambda: prefix + secrets.token_hex((length + 1) // 2)[:length]
