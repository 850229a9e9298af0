"""Google's OpenID Connect documents: discovery, keys, userinfo and the ID token."""

import base64
import hashlib
from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.data.model import Member
from sandbox.oauth.grants import Issued

ACCOUNTS, TOKENS, API, USERINFO = (
    "accounts.google.com",
    "oauth2.googleapis.com",
    "www.googleapis.com",
    "openidconnect.googleapis.com",
)
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
HOSTS = (ACCOUNTS, TOKENS, API, USERINFO)
ID_TOKEN_SECONDS = 3_600


@lru_cache(maxsize=1)
def _key() -> RSAKey:
    """Made when it is first needed, and anew in each process."""
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


def issuer(base: str) -> str:
    return f"{base}/{ACCOUNTS}"


def configuration(base: str) -> dict[str, Any]:
    """/.well-known/openid-configuration"""
    return {
        "issuer": issuer(base),
        "authorization_endpoint": f"{base}/{ACCOUNTS}/o/oauth2/v2/auth",
        "device_authorization_endpoint": f"{base}/{TOKENS}/device/code",
        "token_endpoint": f"{base}/{TOKENS}/token",
        "userinfo_endpoint": f"{base}/{USERINFO}/v1/userinfo",
        "revocation_endpoint": f"{base}/{TOKENS}/revoke",
        "jwks_uri": f"{base}/{API}/oauth2/v3/certs",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": [
            "aud",
            "email",
            "email_verified",
            "exp",
            "given_name",
            "iat",
            "iss",
            "name",
            "picture",
            "sub",
        ],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
    }


def keys() -> dict[str, Any]:
    return {"keys": [_key().as_dict(private=False)]}


def claims(member: Member, scopes: tuple[str, ...]) -> dict[str, Any]:
    """What the scopes let the client know, as userinfo and the ID token tell it."""
    known: dict[str, Any] = {"sub": member.google}
    if PROFILE in scopes:
        given, _, family = member.display_name.partition(" ")
        picture = f"https://lh3.googleusercontent.com/a/{member.name}=s96-c"
        known |= {"name": member.display_name, "given_name": given, **({"family_name": family} if family else {})}
        known |= {"picture": picture}
    if EMAIL in scopes:
        known |= {"email": member.email, "email_verified": True}
    return known


def id_token(issued: Issued, client_id: str, base: str, now: float) -> str:
    half = hashlib.sha256(issued.access.encode()).digest()[:16]
    body = {
        "iss": issuer(base),
        "azp": client_id,
        "aud": client_id,
        **claims(issued.grant.member, issued.grant.scopes),
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        **({"nonce": issued.nonce} if issued.nonce else {}),
        "iat": int(now),
        "exp": int(now) + ID_TOKEN_SECONDS,
    }
    return jwt.encode({"alg": "RS256", "kid": _key().kid}, body, _key())
