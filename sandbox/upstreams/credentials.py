"""Who is asking, read off the request as the services do.

A token that the sandbox's own authorization servers gave out speaks for its member, within its scopes, while it lives.
Any other token is judged by its words, and no secret is checked: one that contains `bad`, `expired` or `revoked` is
refused; one that contains an account's login (with GitHub: `sandbox-kestrel-example`) is that account's own and may do
everything; what else there is comes from a stranger.
"""

from dataclasses import dataclass

from sandbox.exchange import Call
from sandbox.oauth.grants import Grants, Token
from sandbox.oauth.model import CLIENTS
from sandbox.oauth.server import basic

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


def caller_of(call: Call, grants: Grants | None = None, provider: str = "") -> Caller:
    """From `Authorization: Bearer|token …` or an OAuth app's `Basic client_id:secret`, which sees public data only.

    A token of `grants` has to be one of `provider`.
    """
    scheme, _, credential = call.headers.get("Authorization", "").partition(" ")
    credential = credential.strip()
    match scheme.lower():
        case "bearer" | "token" if credential:
            if grants and (issued := grants.find(credential)):
                who = f"{issued.grant.provider} {issued.grant.member.name}"
                return Caller(who, credential, issued, grants.live(issued) and issued.grant.provider == provider)
            return Caller(credential, credential)
        case "basic":
            client_id, secret = basic(call) or ("", "")
            known = next((one for one in CLIENTS.values() if one.id == client_id), None)
            app = "bad" if not client_id or (known and known.secret != secret) else f"app {client_id}"
            return Caller(app, app)
    return Caller(call.remote)
