"""What members allowed, and every code and token that came of it."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sandbox.data.model import Member
from sandbox.oauth.model import CLIENTS, Reason, RefusedError, Rules

CODE_SECONDS = 600


@dataclass(eq=False)
class Grant:
    provider: str
    member: Member
    scopes: tuple[str, ...]
    refreshes: int = 0
    revoked: bool = False


@dataclass(eq=False)
class Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    nonce: str
    offline: bool
    expires_at: float
    used: bool = False


@dataclass(eq=False)
class Token:
    value: str
    grant: Grant
    expires_at: float | None = None
    refreshes: bool = False  # a refresh token
    spent: bool = False  # a refresh token that another replaced


class Issued(NamedTuple):
    """The answer to a code or a refresh token."""

    grant: Grant
    access: str
    refresh: str | None
    nonce: str = ""


class Grants:
    """Of all providers. Codes work once, within ten minutes, for the redirect and the verifier they were made for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        self._grants: list[Grant] = []
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Token] = {}

    def allow(
        self,
        rules: Rules,
        member: Member,
        scopes: tuple[str, ...],
        *,
        redirect_uri: str,
        challenge: str = "",
        nonce: str = "",
        offline: bool = True,
    ) -> str:
        """Returns the code."""
        grant = Grant(rules.provider, member, scopes)
        code = secrets.token_urlsafe(32)
        self._grants.append(grant)
        self._codes[code] = Code(grant, redirect_uri, challenge, nonce, offline, self.clock() + CODE_SECONDS)
        return code

    def allowed_before(self, rules: Rules, member: Member) -> bool:
        return any(not one.revoked for one in self._of(rules.provider, member.name))

    def redeem(self, rules: Rules, code: str, redirect_uri: str, verifier: str) -> Issued:
        """Raises `RefusedError`. A wrong redirect or verifier spends the code too."""
        found = self._codes.get(code)
        if found is None or found.grant.provider != rules.provider or found.used or self.clock() >= found.expires_at:
            raise RefusedError(Reason.CODE)
        found.used = True
        if redirect_uri != found.redirect_uri:
            raise RefusedError(Reason.REDIRECT)
        if found.challenge and not verifier:
            raise RefusedError(Reason.NO_VERIFIER)
        if found.challenge and s256(verifier) != found.challenge:
            raise RefusedError(Reason.VERIFIER)
        refresh = rules.new_refresh() if rules.new_refresh and found.offline else None
        if refresh:
            self._tokens[refresh] = Token(refresh, found.grant, refreshes=True)
        return Issued(found.grant, self._access(rules, found.grant), refresh, found.nonce)

    def refresh(self, rules: Rules, value: str) -> Issued:
        """Raises `RefusedError`. `refresh` of the answer is None where the old one stays good."""
        token = self._tokens.get(value)
        if token is None or not token.refreshes or token.grant.provider != rules.provider or token.grant.revoked:
            raise RefusedError(Reason.REFRESH)
        if token.spent:
            token.grant.revoked = True  # somebody has the old one: neither of them goes on
            raise RefusedError(Reason.REFRESH)
        token.grant.refreshes += 1
        replacement = None
        if rules.rotates and rules.new_refresh:
            for one in self._tokens.values():  # the access token of the old pair dies with it
                if one.grant is token.grant and not one.refreshes:
                    one.expires_at = self.clock()
            token.spent = True
            replacement = rules.new_refresh()
            self._tokens[replacement] = Token(replacement, token.grant, refreshes=True)
        return Issued(token.grant, self._access(rules, token.grant), replacement)

    def find(self, value: str) -> Token | None:
        """The access token, live or not."""
        token = self._tokens.get(value)
        return None if token is None or token.refreshes else token

    def live(self, token: Token) -> bool:
        return not token.grant.revoked and (token.expires_at is None or self.clock() < token.expires_at)

    def revoke_token(self, rules: Rules, value: str) -> bool:
        """Ends its grant, and where the provider does so, all that the member allowed. False: no such token."""
        token = self._tokens.get(value)
        if token is None or token.grant.provider != rules.provider or token.grant.revoked:
            return False
        if rules.revokes_all:
            self.revoke(rules.provider, token.grant.member.name)
        token.grant.revoked = True
        return True

    def revoke(self, provider: str = "", member: str = "") -> int:
        """As if the member had withdrawn it at the provider. Returns how many grants ended."""
        ended = [grant for grant in self._of(provider, member) if not grant.revoked]
        for grant in ended:
            grant.revoked = True
        return len(ended)

    def expire(self, provider: str = "", member: str = "") -> int:
        """Their access tokens are too old from now on; refresh tokens stay good. Returns how many tokens."""
        grants = list(self._of(provider, member))
        ended = [one for one in self._tokens.values() if one.grant in grants and not one.refreshes and self.live(one)]
        for token in ended:
            token.expires_at = self.clock()
        return len(ended)

    def described(self) -> list[dict[str, Any]]:
        return [
            {
                "provider": grant.provider,
                "member": grant.member.name,
                "scopes": list(grant.scopes),
                "revoked": grant.revoked,
                "refreshes": grant.refreshes,
            }
            for grant in self._grants
        ]

    def secrets(self) -> list[str]:
        """Every code and token there ever was: what must turn up nowhere."""
        return [*self._codes, *self._tokens]

    def _access(self, rules: Rules, grant: Grant) -> str:
        value = rules.new_access()
        ends = None if rules.access_seconds is None else self.clock() + rules.access_seconds
        self._tokens[value] = Token(value, grant, ends)
        return value

    def _of(self, provider: str, member: str) -> Iterator[Grant]:
        """All, where one is empty. Raises `ValueError` for a provider that does not exist."""
        if provider not in {*CLIENTS, ""}:
            raise ValueError(f"no provider {provider!r}; there are {[*CLIENTS]}")
        return (one for one in self._grants if provider in (one.provider, "") and member in (one.member.name, ""))


def s256(verifier: str) -> str:
    """The challenge of RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
