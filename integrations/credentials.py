"""For whom, and with whose account, an upstream is read."""

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Credentials:
    """The member's token, and whose budget a request spends.

    Without a token the application's own credential is used. `account` names the account at the provider that the token
    acts for. A sync that no member waits for is not `interactive`.
    """

    token: SecretStr | None = None
    account: str = ""
    user_id: str = ""
    interactive: bool = True
