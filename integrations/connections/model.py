"""What a grant and a connection are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import SecretStr

from integrations.provider import Provider, Purpose


class ConnectionState(StrEnum):
    CONNECTED = "connected"
    NEEDS_REAUTH = "needs_reauth"  # the provider no longer takes our tokens; the member has to consent again
    DISCONNECTED = "disconnected"  # a tombstone: no tokens are left


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token endpoint gave us. Times are aware."""

    access_token: SecretStr
    refresh_token: SecretStr | None = None
    expires_at: datetime | None = None  # None: it does not expire by itself
    scopes: tuple[str, ...] = ()  # what was granted, which may be less than what was asked for
    id_token: SecretStr | None = None


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


def may_revoke(provider: Provider, before: Connection, now: Connection) -> bool:
    """Whether tokens of `before` can be revoked without ending those of `now`."""
    lives = now.state is ConnectionState.CONNECTED and now.account_id == before.account_id
    return not (provider.revokes_all and lives)
