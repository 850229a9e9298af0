"""Who is asking, read off the request as the services do.

A token that the sandbox's own authorization servers gave out speaks for its member, within its scopes, while it lives.
Any other token is judged by its words, and no secret is checked: one that contains `bad`, `expired` or `revoked` is
refused; one that contains an account's login (with GitHub: `sandbox-kestrel-example`) is that account's own and may do
everything; what else there is comes from a stranger.
"""

import base64
import binascii
from dataclasses import dataclass

from sandbox.exchange import Call
from sandbox.oauth.grants import Grants, Token

_REFUSED = ("bad", "expired", "revoked")
_OURS = ("gho_", "ya29.")  # only the sandbox makes these: one that it does not know is from before a reset
_STRANGER = "sandbox-member"


@dataclass(frozen=True)
class Caller:
    key: str  # whose budget is spent: the credential or its member, else the address
    token: str = ""
    issued: Token | None = None
    live: bool = True  # of an issued token

    @property
    def authenticated(self) -> bool:
        return bool(self.token)

    @property
    def refused(self) -> bool:
        if self.issued is not None:
            return not self.live
        return self.token.startswith(_OURS) or any(word in self.token for word in _REFUSED)

    @property
    def login(self) -> str:
        """At GitHub."""
        if self.issued is not None:
            return self.issued.grant.member.github
        return self.token.removeprefix("sandbox-") if self.token.startswith("sandbox-") else _STRANGER

    @property
    def scopes(self) -> tuple[str, ...] | None:
        """None: not an issued token, and nothing is forbidden to it."""
        return None if self.issued is None else self.issued.grant.scopes

    def owns(self, login: str) -> bool:
        """`login` is an account at GitHub or the handle of a channel."""
        if self.issued is not None:
            member = self.issued.grant.member
            return login.lower() in (member.github, member.channel)
        return login.lower() in self.token.lower()

    def may(self, *scopes: str) -> bool:
        """One of these was granted."""
        return self.scopes is None or any(scope in self.scopes for scope in scopes)


def caller_of(call: Call, grants: Grants | None = None) -> Caller:
    """From `Authorization: Bearer|token …` or an OAuth app's `Basic client_id:secret`, which sees public data only."""
    scheme, _, credential = call.headers.get("Authorization", "").partition(" ")
    credential = credential.strip()
    match scheme.lower():
        case "bearer" | "token" if credential:
            if grants and (issued := grants.find(credential)):
                who = f"{issued.grant.provider} {issued.grant.member.name}"
                return Caller(who, credential, issued, grants.live(issued))
            return Caller(credential, credential)
        case "basic":
            try:
                client_id = base64.b64decode(credential, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                client_id = "bad"
            return Caller(f"app {client_id}", f"app {client_id}")
    return Caller(call.remote)
