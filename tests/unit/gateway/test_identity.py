"""Tokens that are refused (RFC 8725), and the ones that are not."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from pydantic import SecretStr, ValidationError

from cli.token import TokenSettings, make_token
from kit import jwks
from kit.errors import UpstreamUnavailableError
from services.gateway.auth import static_keys
from services.gateway.auth.jwt import Verifier
from services.gateway.settings import GatewaySettings
from services.gateway.web.errors import UnauthorizedError
from tests.unit.gateway.support import AUDIENCE, ISSUER, SECRET, settings, token

RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
NOW = int(time.time())  # when the tests were collected, which may be long before they run
DAY = 86_400


def verifier(**changes: Any) -> Verifier:
    given = settings(**changes)
    return Verifier(given, static_keys.inline(given.jwt_key.get_secret_value(), given.jwt_algorithms))


def public_pem(key: RSAKey | ECKey) -> str:
    return key.as_pem(private=False).decode()


def forged(header: dict[str, Any], secret: bytes = b"", **claims: Any) -> str:
    """Signed by hand, since no library would do it."""
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-ada", "exp": NOW + DAY, **claims}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, given)]
    signature = hmac.new(secret, b".".join(parts), hashlib.sha256).digest() if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


async def test_a_valid_token_names_its_caller() -> None:
    claims = await verifier().verify(token("ada"))
    assert (claims.subject, claims.name) == ("user-ada", "ada")


HMAC = SECRET.encode()
REFUSED = {
    "no algorithm": forged({"alg": "none"}),
    "no algorithm, differently spelt": forged({"alg": "None"}),
    "an algorithm that is not configured": token(header={"alg": "HS512"}),
    "another key": token(key=OctKey.import_key("another secret of more than 32 bytes, or so")),
    "an altered signature": token()[:-4] + "AAAA",
    "no signature": token().rpartition(".")[0] + ".",
    "another issuer": token(iss="https://evil.test"),
    "no issuer": token(iss=None),
    "another audience": token(aud="another-service"),
    "other audiences": token(aud=["a", "b"]),
    "no audience": token(aud=None),
    "expired": token(exp=NOW - 61),
    "no expiry": token(exp=None),
    "an expiry that is no number": token(exp="tomorrow"),
    "not yet valid": token(nbf=NOW + DAY),
    "no subject": token(sub=None),
    "an empty subject": token(sub=""),
    "a subject that is no text": token(sub=7),
    "a subject without end": token(sub="x" * 201),
    "a subject with control characters": token(sub="a\x00b"),
    "a subject that is no valid text": forged({"alg": "HS256"}, HMAC, sub="\ud800"),
    "another type of token": token(header={"typ": "logout+jwt"}),
    "a key of its own": token(header={"jwk": OctKey.import_key(SECRET).as_dict()}),
    "the address of a key of its own": token(header={"jku": "https://evil.test/keys"}),
    "an unknown critical header": forged({"alg": "HS256", "crit": ["exp"], "exp": 1}, HMAC),
    "a header that is no object": forged("alg", HMAC),  # type: ignore[arg-type]
    "a body that is no object": ".".join(["eyJhbGciOiJIUzI1NiJ9", "W10", "AA"]),
    "huge": token(padding="x" * 5_000),
    "nested without end": "eyJhbGciOiJIUzI1NiJ9." + base64.urlsafe_b64encode(b"[" * 2_900).decode() + ".AA",
    "encrypted": "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA",
    "not ASCII": "é.é.é",
    "nothing": "",
    "three dots": "...",
}


@pytest.mark.parametrize("bad", REFUSED.values(), ids=REFUSED.keys())
async def test_a_bad_token_is_refused_in_the_same_words(bad: str) -> None:
    with pytest.raises(UnauthorizedError) as refusal:
        await verifier().verify(bad)
    assert refusal.value.error == "The token is not valid, or has expired."


async def test_a_clock_may_differ_a_little() -> None:
    assert await verifier().verify(token(exp=int(time.time()) - 5))


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
async def test_a_public_key_is_given_as_pem_or_as_jwk(key: RSAKey | ECKey, algorithm: str) -> None:
    signed = token(key=key, header={"alg": algorithm})
    for given in (public_pem(key), json.dumps(key.as_dict(private=False))):
        assert await verifier(jwt_key=SecretStr(given), jwt_algorithms=(algorithm,)).verify(signed)


async def test_a_public_key_is_never_taken_for_an_hmac_secret() -> None:
    pem = public_pem(RSA)
    checker = verifier(jwt_key=SecretStr(pem), jwt_algorithms=("RS256",))
    with pytest.raises(UnauthorizedError):
        await checker.verify(forged({"alg": "HS256"}, pem.encode()))
    with pytest.raises(UnauthorizedError):
        await checker.verify(forged({"alg": "RS256"}, pem.encode()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"jwt_key": SecretStr("")},
        {"jwt_jwks_url": "https://idp.test/keys"},
        {"jwt_key": SecretStr("short")},
        {"jwt_key": SecretStr(public_pem(RSA)), "jwt_algorithms": ("HS256",)},
        {"jwt_algorithms": ("RS256",)},
        {"jwt_key": SecretStr(public_pem(RSA)), "jwt_algorithms": ("RS256", "HS256")},
        {"jwt_algorithms": ("none",)},
        {"jwt_leeway": 61},
        {"jwt_key": SecretStr(""), "jwt_jwks_url": "http://idp.test/keys", "jwt_algorithms": ("RS256",)},
    ],
)
def test_dangerous_settings_do_not_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


class Provider:
    """An identity provider whose key set can change, and fail."""

    def __init__(self, *keys: RSAKey) -> None:
        self.keys = list(keys)
        self.failing = False
        self.fetched = 0
        self.time = 1_000.0

    async def fetch(self, _url: str) -> Any:
        self.fetched += 1
        if self.failing:
            raise UpstreamUnavailableError("away")
        return KeySet(list(self.keys)).as_dict()

    def finder(self) -> Callable[[str | None], Awaitable[Any]]:
        return jwks.RemoteKeys("https://idp.test/keys", self.fetch, clock=lambda: self.time).find


def named(kid: str) -> RSAKey:
    return RSAKey.import_key(RSA.as_dict(private=True), {"kid": kid})


async def test_a_kid_chooses_among_the_providers_keys_only() -> None:
    provider = Provider(named("one"))
    find = provider.finder()
    assert (await find("one")).kid == "one"
    for _ in range(5):
        with pytest.raises(InvalidKeyIdError):
            await find("unknown")
    assert provider.fetched == 1, "made-up kids do not make us ask the provider"


async def test_a_rotated_key_is_found_and_a_withdrawn_one_forgotten() -> None:
    provider = Provider(named("one"))
    find = provider.finder()
    await find("one")
    provider.keys, provider.time = [named("two")], provider.time + jwks.RETRY_SECONDS + 1
    assert (await find("two")).kid == "two"
    with pytest.raises(InvalidKeyIdError):
        await find("one")


async def test_an_absent_provider_is_an_outage_and_not_the_callers_fault() -> None:
    provider = Provider(named("one"))
    find = provider.finder()
    provider.failing = True
    with pytest.raises(UpstreamUnavailableError):
        await find("one")
    provider.failing, provider.time = False, provider.time + jwks.RETRY_SECONDS + 1
    await find("one")
    provider.failing, provider.time = True, provider.time + jwks.FRESH_SECONDS + 1
    assert await find("one"), "known keys serve a while longer"
    provider.time += jwks.FRESH_SECONDS
    with pytest.raises(UpstreamUnavailableError):
        await find("one")


async def test_thrive_token_prints_what_the_gateway_takes() -> None:
    printed = make_token(TokenSettings(jwt_key=SecretStr(SECRET)), "ada", 1)
    given = GatewaySettings(jwt_key=SecretStr(SECRET))
    claims = await Verifier(given, static_keys.inline(SECRET, given.jwt_algorithms)).verify(printed)
    assert (claims.subject, claims.name) == ("ada", "ada")


def test_thrive_token_needs_a_key() -> None:
    with pytest.raises(ValueError, match="JWT_KEY"):
        make_token(TokenSettings(jwt_key=SecretStr("")), "ada", 1)
