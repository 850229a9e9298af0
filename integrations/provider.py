"""A provider's OAuth application as data. A row is declared beside its integration."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from pydantic import SecretStr

from integrations.coerce import as_line
from kit.settings import Settings

ADDRESSES = (
    "authorize_url", "token_url", "account_url", "issuer", "refresh_url", "revoke_url", "check_url", "jwks_url"
)  # fmt: skip


class Purpose(StrEnum):
    """Why a member is sent to a provider; decides the scopes that are asked for."""

    SIGN_IN = "sign_in"
    CONNECT = "connect"
    PRIVATE = "private"  # to connect, with private content


@dataclass(frozen=True, slots=True)
class Account:
    """Whose consent it was, as the provider tells it."""

    id: str  # never changes and is never given to another
    name: str  # what people know the account by: a login or a handle, which may change
    display_name: str = ""
    avatar_url: str = ""
    url: str = ""  # the profile page


@dataclass(frozen=True, slots=True)
class Provider:
    """An OAuth application at a provider: where its endpoints are, and how they differ from the standard.

    Declared without id and secret, and with the names of settings in its addresses; `configured` fills them in.
    """

    name: str  # in our addresses; of a connection, the integration's
    title: str  # for people
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
    application: str = ""  # begins the names of the settings that hold its id and secret, where `name` does not
    client_id: str = ""
    client_secret: SecretStr = field(default=SecretStr(""))

    def configured(self, settings: Settings) -> "Provider | None":
        """Return it with its id, secret and addresses as the settings have them; None without an id and a secret."""
        values = dict(settings)
        application = self.application or self.name
        client_id, secret = values[f"{application}_client_id"], values[f"{application}_client_secret"]
        if not client_id or not secret or not secret.get_secret_value():
            return None
        filled: dict[str, Any] = {name: str(getattr(self, name)).format_map(values) for name in ADDRESSES}
        return replace(self, client_id=client_id, client_secret=secret, **filled)

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


def account(
    *, name: str, id: str = "id", display_name: str = "name", avatar_url: str = "", url: str = ""
) -> Callable[[Mapping[str, Any]], Account]:
    """Return a function that reads an account, given the provider's names of its fields."""

    def read(body: Mapping[str, Any]) -> Account:
        account_id = _text(body.get(id))
        return Account(
            id=account_id,
            name=_text(body.get(name)) or account_id,
            display_name=_text(body.get(display_name)),
            avatar_url=_https(_text(body.get(avatar_url))),
            url=_https(_text(body.get(url))),
        )

    return read


def _text(value: Any) -> str:
    return str(value) if type(value) is int else as_line(value)


def _https(url: str) -> str:
    return url if url.startswith("https://") else ""
