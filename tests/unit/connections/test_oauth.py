"""The walk's requests and what comes of every kind of answer."""

import json
from base64 import b64decode, urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import SecretStr

from integrations.connections.model import Grant
from integrations.connections.oauth import InvalidGrantError
from integrations.provider import Account, Provider
from kit.errors import UpstreamUnavailableError
from tests.unit.connections.provider import GITHUB, GOOGLE, NOW, PROVIDERS, VERIFIER, YOUTUBE, Script, form, token

BACK = "https://thrive.example/api/v1/connections/github/callback/"
every_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda it: it.name)
OLD = Grant(SecretStr("old-token"), SecretStr("old-refresh"), NOW, ("a", "b"))


def asked(provider: Provider, **more: str) -> dict[str, str]:
    url = (
        Script({})
        .oauth()
        .authorize_url(provider, scopes=("one", "two"), redirect_uri=BACK, state="st", verifier=VERIFIER, **more)
    )
    assert url.startswith(f"{provider.authorize_url}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def exchanged(script: Script, provider: Provider = GITHUB, scopes: tuple[str, ...] = ("user",)) -> Grant:
    return await script.oauth().exchange(provider, code="c0de", redirect_uri=BACK, verifier=VERIFIER, scopes=scopes)


# Asking for consent


@every_provider
def test_consent_is_asked_for_with_state_and_the_hash_of_the_verifier(provider: Provider) -> None:
    query = asked(provider)
    challenge = urlsafe_b64encode(sha256(VERIFIER.get_secret_value().encode()).digest()).decode().rstrip("=")
    assert query["response_type"] == "code"
    assert query["client_id"] == provider.client_id
    assert query["redirect_uri"] == BACK
    assert query["state"] == "st"
    assert (query["code_challenge"], query["code_challenge_method"]) == (challenge, "S256")
    assert query["scope"].split(provider.scope_separator) == ["one", "two"]
    assert VERIFIER.get_secret_value() not in json.dumps(query)
    assert provider.client_secret.get_secret_value() not in json.dumps(query)


def test_google_is_asked_for_a_refresh_token() -> None:
    query = asked(YOUTUBE)
    assert (query["access_type"], query["prompt"]) == ("offline", "consent")


def test_the_nonce_goes_along_where_an_id_token_is_asked_for() -> None:
    oauth = Script({}).oauth()
    url = oauth.authorize_url(
        GOOGLE, scopes=("openid",), redirect_uri=BACK, state="s", verifier=VERIFIER, nonce="n0nce"
    )
    assert parse_qs(urlsplit(url).query)["nonce"] == ["n0nce"]
    assert "nonce" not in asked(GITHUB, nonce="n0nce")


# A code for tokens


@every_provider
async def test_a_code_becomes_a_grant(provider: Provider) -> None:
    script = Script(token(provider, refresh_token="r", expires_in=3600, scope="user repo"))
    grant = await exchanged(script, provider)
    assert grant == Grant(SecretStr("new-token"), SecretStr("r"), NOW + timedelta(hours=1), ("user", "repo"))
    (request,) = script.requests
    sent = form(request)
    assert (sent["grant_type"], sent["code"], sent["redirect_uri"]) == ("authorization_code", "c0de", BACK)
    assert sent["code_verifier"] == VERIFIER.get_secret_value()
    secret = provider.client_secret.get_secret_value()
    if provider.client_auth == "client_secret_basic":
        assert b64decode(request.headers["authorization"].split()[1]).decode() == f"{provider.client_id}:{secret}"
        assert "client_secret" not in sent
    else:
        assert (sent["client_id"], sent["client_secret"]) == (provider.client_id, secret)
    assert request.headers["accept"] == "application/json"
    assert secret not in str(request.url)


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ({}, ("user",)),  # RFC 6749, 5.1: what was asked for
        ({"scope": "repo,gist"}, ("repo", "gist")),
        ({"scope": "repo gist  repo"}, ("repo", "gist")),
        ({"scope": ""}, ()),
        ({"scope": None}, ("user",)),
        ({"scope": ["repo"]}, ("user",)),
    ],
)
async def test_the_scopes_are_those_that_were_granted(scope: dict[str, Any], granted: tuple[str, ...]) -> None:
    assert (await exchanged(Script(token(GITHUB, **scope)))).scopes == granted


@pytest.mark.parametrize(
    ("life", "expires_at"),
    [
        ({}, None),
        ({"expires_in": "3600"}, NOW + timedelta(hours=1)),
        ({"expires_in": 0}, None),
        ({"expires_in": 10**15}, NOW + timedelta(days=366)),
    ],
)
async def test_a_token_ends_when_its_provider_says_so(life: dict[str, Any], expires_at: object) -> None:
    assert (await exchanged(Script(token(GITHUB, **life)))).expires_at == expires_at


async def test_a_form_instead_of_json_is_understood() -> None:
    answer = httpx2.Response(
        200,
        headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
        text="access_token=gho_x&scope=repo%2Cgist&token_type=bearer",
    )
    grant = await exchanged(Script({f"POST {GITHUB.token_url}": answer}))
    assert (grant.access_token.get_secret_value(), grant.scopes) == ("gho_x", ("repo", "gist"))


def refusal(code: str, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json={"error": code, "error_description": "SECRET words of theirs"})


@pytest.mark.parametrize(
    "answer",
    [
        refusal("bad_verification_code"),
        refusal("invalid_grant", 400),
        httpx2.Response(
            200, headers={"content-type": "application/x-www-form-urlencoded"}, text="error=bad_verification_code"
        ),
    ],
)
async def test_a_code_that_is_wrong_or_used_is_an_invalid_grant_whatever_the_status(answer: httpx2.Response) -> None:
    with pytest.raises(InvalidGrantError) as caught:
        await exchanged(Script({f"POST {GITHUB.token_url}": answer}))
    assert "SECRET" not in str(caught.value.body())


@pytest.mark.parametrize("body", [{"status": 400, "err": "SECRET"}, {"error": True, "message": "SECRET"}])
async def test_figmas_own_refusal_is_an_invalid_grant_too(body: dict[str, Any]) -> None:
    figma = PROVIDERS["figma"]
    with pytest.raises(InvalidGrantError):
        await exchanged(Script({f"POST {figma.token_url}": httpx2.Response(400, json=body)}), figma)
    with pytest.raises(UpstreamUnavailableError):
        await exchanged(Script({f"POST {figma.token_url}": httpx2.Response(401, json=body)}), figma)


@pytest.mark.parametrize(
    "answer",
    [
        refusal("incorrect_client_credentials"),
        refusal("redirect_uri_mismatch", 400),
        refusal("invalid_client", 401),
        httpx2.Response(200, json={"error": {"not": "text"}}),
        httpx2.Response(503, text="<html>"),
        httpx2.Response(429, json={"message": "slow down"}),
        httpx2.Response(302, headers={"location": "https://evil.tld/"}),
        httpx2.Response(200, text="<html>"),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={}),
        httpx2.Response(200, json={"access_token": ""}),
        httpx2.Response(200, json={"access_token": 7}),
        httpx2.Response(200, json={"access_token": "two\r\nlines"}),
        httpx2.Response(200, json={"access_token": "x" * 10_000}),
        httpx2.Response(200, json={"access_token": "x", "token_type": "mac"}),
        httpx2.Response(200, json={"access_token": "x", "expires_in": "soon"}),
        httpx2.Response(200, content=b"a=" + b"x" * 11_000_000),
        httpx2.ConnectError("SECRET address"),
        httpx2.ReadTimeout("slow"),
    ],
)
async def test_what_is_no_grant_and_not_the_members_fault_is_an_outage(answer: httpx2.Response | Exception) -> None:
    script = Script({f"POST {GITHUB.token_url}": answer})
    with pytest.raises(UpstreamUnavailableError) as caught:
        await exchanged(script)
    assert "SECRET" not in str(caught.value.body())
    assert len(script.requests) == 1, "a code is shown once"


async def test_an_outage_says_when_to_come_back() -> None:
    answer = httpx2.Response(503, headers={"retry-after": "120"})
    with pytest.raises(UpstreamUnavailableError) as caught:
        await exchanged(Script({f"POST {GITHUB.token_url}": answer}))
    assert caught.value.retry_at is not None


# Refresh


@every_provider
async def test_a_refresh_brings_the_new_pair(provider: Provider) -> None:
    url = provider.refresh_url or provider.token_url
    body = {"access_token": "new", "refresh_token": "rotated", "expires_in": 60}
    script = Script({f"POST {url}": httpx2.Response(200, json=body)})
    grant = await script.oauth().refresh(provider, OLD)
    assert grant == Grant(SecretStr("new"), SecretStr("rotated"), NOW + timedelta(minutes=1), OLD.scopes)
    sent = form(script.requests[0])
    assert (sent["grant_type"], sent["refresh_token"]) == ("refresh_token", "old-refresh")


async def test_a_provider_that_does_not_rotate_leaves_the_refresh_token() -> None:
    grant = await Script(token(YOUTUBE)).oauth().refresh(YOUTUBE, OLD)
    assert grant.refresh_token == OLD.refresh_token


@pytest.mark.parametrize("code", ["invalid_grant", "bad_refresh_token"])
async def test_a_dead_refresh_token_is_an_invalid_grant(code: str) -> None:
    script = Script({f"POST {YOUTUBE.token_url}": refusal(code, 400)})
    with pytest.raises(InvalidGrantError):
        await script.oauth().refresh(YOUTUBE, OLD)


async def test_without_a_refresh_token_nobody_is_asked() -> None:
    script = Script({})
    with pytest.raises(InvalidGrantError):
        await script.oauth().refresh(GITHUB, Grant(SecretStr("t")))
    assert script.requests == []


# Revocation


async def test_github_is_told_to_forget_the_token() -> None:
    script = Script({f"DELETE {GITHUB.revoke_url}": httpx2.Response(204)})
    assert await script.oauth().revoke(GITHUB, OLD)
    (request,) = script.requests
    assert json.loads(request.content) == {"access_token": "old-token"}
    assert b64decode(request.headers["authorization"].split()[1]) == b"github-client_id:github-client_secret"


async def test_the_refresh_token_is_revoked_and_with_it_all_others() -> None:
    script = Script({f"POST {YOUTUBE.revoke_url}": httpx2.Response(200)})
    assert await script.oauth().revoke(YOUTUBE, OLD)
    (request,) = script.requests
    assert form(request)["token"] == "old-refresh"
    assert "old-refresh" not in str(request.url)


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_token_that_is_dead_already_counts_as_revoked(status: int) -> None:
    script = Script({f"POST {YOUTUBE.revoke_url}": httpx2.Response(status, json={"error": "invalid_token"})})
    assert await script.oauth().revoke(YOUTUBE, OLD)


async def test_a_provider_without_revocation_is_not_asked() -> None:
    script = Script({})
    assert not await script.oauth().revoke(PROVIDERS["dribbble"], OLD)
    assert script.requests == []


@pytest.mark.parametrize("answer", [httpx2.Response(503), httpx2.Response(401), httpx2.ConnectError("x")])
async def test_a_revocation_that_was_not_heard_is_an_outage(answer: httpx2.Response | Exception) -> None:
    with pytest.raises(UpstreamUnavailableError):
        await Script({f"POST {YOUTUBE.revoke_url}": answer}).oauth().revoke(YOUTUBE, OLD)


# Whose account


async def test_the_account_is_asked_for_with_the_token_in_a_header() -> None:
    script = Script({f"GET {GITHUB.account_url}": httpx2.Response(200, json={"id": 7, "login": "ada"})})
    assert await script.oauth().account(GITHUB, OLD) == Account("7", "ada")
    assert script.requests[0].headers["authorization"] == "Bearer old-token"


@pytest.mark.parametrize(
    "answer", [httpx2.Response(401), httpx2.Response(200, json={}), httpx2.Response(200, json=[]), httpx2.Response(200)]
)
async def test_an_account_without_an_id_is_none(answer: httpx2.Response) -> None:
    with pytest.raises(UpstreamUnavailableError):
        await Script({f"GET {GITHUB.account_url}": answer}).oauth().account(GITHUB, OLD)
