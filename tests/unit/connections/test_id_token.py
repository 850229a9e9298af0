"""Who signed in is taken from an id token only when all of it is right."""

import hmac
from base64 import urlsafe_b64encode
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from integrations.connections.id_token import IdTokenRefusedError
from integrations.connections.model import Grant
from integrations.provider import Account
from kit.errors import UpstreamUnavailableError
from tests.unit.connections.provider import GITHUB, GOOGLE, NOW, Script

KEY, OTHER = (RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}) for kid in ("one", "two"))
CLAIMS = {
    "iss": "https://accounts.google.com",
    "aud": GOOGLE.client_id,
    "azp": GOOGLE.client_id,
    "sub": "110",
    "nonce": "n0nce",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 3_600,
}


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, key: RSAKey = KEY) -> str:
    header = header or {"alg": "RS256", "kid": "one"}
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def google(keys: httpx2.Response | None = None) -> Script:
    published = {"keys": [KEY.as_dict(private=False)]}
    return Script(
        {
            f"GET {GOOGLE.account_url}": httpx2.Response(200, json={"sub": "110", "name": "Ada"}),
            f"GET {GOOGLE.jwks_url}": keys or httpx2.Response(200, json=published),
        }
    )


async def account(id_token: str | None, script: Script | None = None) -> Account:
    grant = Grant(SecretStr("t"), id_token=SecretStr(id_token) if id_token else None)
    return await (script or google()).oauth().account(GOOGLE, grant, nonce="n0nce")


@pytest.mark.parametrize("changes", [{}, {"iss": "accounts.google.com"}, {"aud": [GOOGLE.client_id]}])
async def test_a_right_one_names_the_account(changes: dict[str, Any]) -> None:
    assert (await account(signed(CLAIMS | changes))).id == "110"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.tld"},
        {"iss": "https://github.com/login/oauth"},
        {"aud": "another-application"},
        {"azp": "another-application"},
        {"sub": "111"},
        {"nonce": "another"},
        {"exp": int(NOW.timestamp()) - 3_600},
        {"exp": "never"},
        {"iat": int(NOW.timestamp()) + 3_600},
        *({name: None} for name in ("iss", "aud", "sub", "nonce", "exp", "iat")),
    ],
    ids=str,
)
async def test_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(IdTokenRefusedError):
        await account(signed(CLAIMS | changes))


async def test_a_foreign_signature_is_refused() -> None:
    with pytest.raises(IdTokenRefusedError):
        await account(signed(CLAIMS, key=OTHER))


async def test_a_key_that_is_not_published_is_refused() -> None:
    with pytest.raises(IdTokenRefusedError):
        await account(signed(CLAIMS, {"alg": "RS256", "kid": "two"}, OTHER))


async def test_the_public_key_is_no_hmac_secret() -> None:
    head, body, _ = signed(CLAIMS, {"alg": "RS256", "kid": "one"}).split(".")
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').decode().rstrip("=")
    mac = hmac.digest(KEY.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    with pytest.raises(IdTokenRefusedError):
        await account(f"{head}.{body}.{urlsafe_b64encode(mac).decode().rstrip('=')}")


@pytest.mark.parametrize("text", [None, "", "a.b.c", "é.é.é", "eyJhbGciOiJub25lIn0.e30.", "x" * 9_000])
async def test_what_is_no_token_is_refused(text: str | None) -> None:
    with pytest.raises(IdTokenRefusedError):
        await account(text)


async def test_without_the_providers_keys_nobody_is_let_in() -> None:
    with pytest.raises(UpstreamUnavailableError):
        await account(signed(CLAIMS), google(keys=httpx2.Response(404)))


async def test_without_a_nonce_none_is_asked_for() -> None:
    script = google()
    assert (await script.oauth().account(GOOGLE, Grant(SecretStr("t")))).id == "110"


async def test_a_provider_without_id_tokens_is_believed_by_its_account_page() -> None:
    script = Script({f"GET {GITHUB.account_url}": httpx2.Response(200, json={"id": 7, "login": "ada"})})
    assert (await script.oauth().account(GITHUB, Grant(SecretStr("t")), nonce="n0nce")).id == "7"
