"""Who is asking, read off the request as the services do. No secret is checked: the words in a token decide.

A token that contains `bad`, `expired` or `revoked` is refused. A token that contains an account's login (with GitHub:
`sandbox-kestrel-example`) is that account's own and sees its private things; any other token is a stranger's.
"""

import base64
import binascii
from dataclasses import dataclass

from sandbox.exchange import Call

_REFUSED = ("bad", "expired", "revoked")
_STRANGER = "sandbox-member"


@dataclass(frozen=True)
class Caller:
    key: str  # whose budget is spent: the credential, else the address
    token: str = ""

    @property
    def authenticated(self) -> bool:
        return bool(self.token)

    @property
    def refused(self) -> bool:
        return any(word in self.token for word in _REFUSED)

    @property
    def login(self) -> str:
        return self.token.removeprefix("sandbox-") if self.token.startswith("sandbox-") else _STRANGER

    def owns(self, login: str) -> bool:
        return login.lower() in self.token.lower()


def caller_of(call: Call) -> Caller:
    """From `Authorization: Bearer|token …` or an OAuth app's `Basic client_id:secret`, which sees public data only."""
    scheme, _, credential = call.headers.get("Authorization", "").partition(" ")
    credential = credential.strip()
    match scheme.lower():
        case "bearer" | "token" if credential:
            return Caller(credential, credential)
        case "basic":
            try:
                client_id = base64.b64decode(credential, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                client_id = "bad"
            return Caller(f"app {client_id}", f"app {client_id}")
    return Caller(call.remote)
