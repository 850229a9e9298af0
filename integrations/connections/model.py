"""What a provider, a grant and a connection are."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import SecretStr


class Purpose(StrEnum):
    """Why a member is sent to a provider; decides the scopes that are asked for."""

    SIGN_IN = "sign_in"
    CONNECT = "connect"
    PRIVATE = "private"  # to connect, with private content


class ConnectionState(StrEnum):
    CONNECTED = "connected"
    NEEDS_REAUTH = "needs_reauth"  # the provider no longer takes our tokens; the member has to consent again
    DISCONNECTED = "disconnected"  # a tombstone: no tokens are left


@dataclass(frozen=True, slots=True)
class Account:
    """Whose consent it was, as the provider tells it."""

    id: str  # never changes and is never given to another
    name: str  # what people know the account by: a login or a handle, which may change
    display_name: str = ""
    avatar_url: str = ""
    url: str = ""  # the profile page


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token endpoint gave us. Times are aware."""

    access_token: SecretStr
    refresh_token: SecretStr | None = None
    expires_at: datetime | None = None  # None: it does not expire by itself
    scopes: tuple[str, ...] = ()  # what was granted, which may be less than what was asked for
    id_token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """One row of `providers.py`: where a provider's OAuth endpoints are and how it differs from the standard."""

    name: str  # in our addresses; of a connection, the integration's
    title: str  # for people
    client_id: str
    client_secret: SecretStr
    authorize_url: str
    token_url: str
    account_url: str  # answers GET with a bearer token
    read_account: Callable[[Mapping[str, Any]], Account]  # from that answer; a missing id is ""
    scopes: Mapping[Purpose, tuple[str, ...]]  # a purpose that is not named is not offered
    issuer: str = ""  # `iss` of RFC 9207 and of id tokens
    refresh_url: str = ""  # where it is not `token_url`
    revoke_url: str = ""  # "": the provider has none, and tokens are only erased
    check_url: str = ""  # tells whether a token is still good, as GitHub has it; "": the provider has none
    revoked_by: Literal["POST", "DELETE"] = "POST"  # as RFC 7009 has it, or as GitHub has it
    revokes_all: bool = False  # with one token goes all that its account has allowed us
    jwks_url: str = ""  # the keys of id tokens; "": none are checked
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    client_auth: Literal["client_secret_post", "client_secret_basic"] = "client_secret_post"
    scope_separator: str = " "
    invalid_grant_status: int | None = None  # of a token endpoint that has error bodies of its own, without a code
    implied: Mapping[str, frozenset[str]] = field(default_factory=dict)  # a granted scope → those it contains

    def offers(self, purpose: Purpose) -> bool:
        return purpose in self.scopes

    def issued_by(self, iss: str | None) -> bool:
        """Whether an authorization response may be this provider's (RFC 9207). Not all send an `iss`."""
        return not iss or not self.issuer or iss == self.issuer

    def missing(self, purpose: Purpose, granted: Iterable[str]) -> tuple[str, ...]:
        """The scopes that were asked for but not granted: the member unticked them, in the order of the row."""
        held = set(granted)
        held.update(*(self.implied.get(scope, frozenset()) for scope in tuple(held)))
        return tuple(scope for scope in self.scopes[purpose] if scope not in held)

    def may_revoke(self, before: "Connection", now: "Connection") -> bool:
        """Whether tokens of `before` can be revoked without ending those of `now`."""
        lives = now.state is ConnectionState.CONNECTED and now.account_id == before.account_id
        return not (self.revokes_all and lives)


@dataclass(frozen=True, slots=True)
class Connection:
    """A member's connected account, without its tokens."""

    user_id: str
    provider: str
    account_id: str
    account_name: str
    scopes: tuple[str, ...]
    state: ConnectionState
    connected_at: datetime
    last_used_at: datetime | None = None
    purpose: Purpose = Purpose.CONNECT  # what the member was asked for last

    @property
    def waits_for(self) -> str:
        return waits_for(self.user_id, self.provider)


def waits_for(user_id: str, provider: str) -> str:
    """What a deferred message names when it waits for this connection."""
    return f"connection:{user_id}:{provider}"
