"""The sandbox's authorization servers answer like the real ones, word for word where importers go by the words."""

from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox.client import SandboxClient
from sandbox.oauth.model import CLIENTS
from tests.contract.sandbox.conftest import Recordings
from tests.contract.sandbox.official import complaints, of_openapi_response
from tests.unit.sandbox.oauth import ADDRESSES, BACK, VERIFIER, Walk

YOUTUBE = "https://www.googleapis.com/auth/youtube.readonly"
OFFLINE = {"access_type": "offline", "prompt": "consent"}


@pytest.fixture
async def walk(sandbox: SandboxClient, http: aiohttp.ClientSession) -> Any:
    await sandbox.consent("mira")
    return lambda provider: Walk(http, sandbox.url, provider)


@pytest.mark.parametrize(
    ("recording", "changes"),
    [
        ("bad_verification_code", {"code": "never-was"}),
        ("incorrect_client_credentials", {"client_secret": "wrong"}),
        ("redirect_uri_mismatch", {"redirect_uri": f"{BACK}/else"}),
    ],
)
async def test_github_refuses_with_200_as_recorded(
    recordings: Recordings, walk: Any, recording: str, changes: dict[str, str]
) -> None:
    status, _, recorded = recordings.exchange(f"oauth/github.token.{recording}.http.json")
    code = (await walk("github").authorize())["code"]
    assert await walk("github").exchange(changes.pop("code", code), **changes) == (status, recorded)


async def test_github_answers_form_encoded_unless_json_is_asked_for(
    recordings: Recordings, http: aiohttp.ClientSession, sandbox: SandboxClient, walk: Any
) -> None:
    one: Walk = walk("github")
    url = sandbox.url + ADDRESSES["github"][1]
    client = CLIENTS["github"]
    form = {"client_id": client.id, "client_secret": client.secret, "redirect_uri": BACK, "code_verifier": VERIFIER}
    code = (await one.authorize("repo,gist"))["code"]
    for name in ("success", "error"):  # the code works once
        recorded = recordings.load(f"oauth/github.token.form-encoded.{name}.http.json")["response"]
        async with http.post(url, data=form | {"code": code}) as response:
            text = await response.text()
            assert (response.status, response.headers["Content-Type"]) == (200, recorded["headers"]["Content-Type"])
        if name == "success":
            fields = parse_qs(text)
            assert fields == parse_qs(recorded["body_text"]) | {"access_token": fields["access_token"]}
        else:
            assert text == recorded["body_text"]


@pytest.mark.parametrize(
    ("provider", "scope", "more"),
    [
        ("github", "repo gist", {}),
        ("google", f"openid email {YOUTUBE}", OFFLINE),
        ("gitlab", "read_user", {}),
        ("figma", "current_user:read", {}),
    ],
)
async def test_tokens_come_in_the_recorded_shape(
    recordings: Recordings, walk: Any, provider: str, scope: str, more: dict[str, str]
) -> None:
    _, _, recorded = recordings.exchange(f"oauth/{provider}.token.success.http.json")
    body = await walk(provider).tokens(scope, **more)
    assert set(body) - set(recorded) <= {"scope"}  # newer than the recorded answer of GitLab
    assert {name: type(value) for name, value in recorded.items()} == {name: type(body[name]) for name in recorded}
    for name in {"token_type", "scope", "expires_in"} & set(recorded):
        assert body[name] == recorded[name]


async def test_google_refreshes_in_the_recorded_shape(recordings: Recordings, walk: Any) -> None:
    _, _, recorded = recordings.exchange("oauth/google.token.refresh.http.json")
    tokens = await walk("google").tokens(YOUTUBE, **OFFLINE)
    status, body = await walk("google").refresh(tokens["refresh_token"])
    assert (status, set(body)) == (200, set(recorded))
    assert body["scope"] == recorded["scope"]


async def test_google_refuses_as_recorded(recordings: Recordings, sandbox: SandboxClient, walk: Any) -> None:
    one: Walk = walk("google")
    tokens = await one.tokens(YOUTUBE, **OFFLINE)
    status, _, recorded = recordings.exchange("oauth/google.token.invalid_grant.bad_request.http.json")
    assert await one.exchange("never-was") == (status, recorded)
    status, _, recorded = recordings.exchange("oauth/google.token.redirect_uri_mismatch.http.json")
    code = (await one.authorize())["code"]
    assert await one.exchange(code, redirect_uri=f"{BACK}/else") == (status, recorded)
    status, _, recorded = recordings.exchange("oauth/google.token.invalid_grant.http.json")
    await sandbox.revoke_grants("google")
    assert await one.refresh(tokens["refresh_token"]) == (status, recorded)


async def test_google_describes_itself_and_its_member_as_recorded(
    recordings: Recordings, http: aiohttp.ClientSession, sandbox: SandboxClient, walk: Any
) -> None:
    base = f"{sandbox.url}/accounts.google.com"
    async with http.get(f"{base}/.well-known/openid-configuration") as response:
        found = await response.json()
    recorded = recordings.load("oauth/google.openid-configuration.json")
    assert list(found) == list(recorded)
    for name in (name for name in recorded if name.endswith(("_endpoint", "_uri"))):
        assert found[name] == recorded[name].replace("https:/", sandbox.url)
    one: Walk = walk("google")
    token = (await one.tokens("openid email profile"))["access_token"]
    status, userinfo = await one.get("/openidconnect.googleapis.com/v1/userinfo", token)
    assert (status, set(userinfo)) == (200, set(recordings.load("oauth/google.userinfo.json")))


async def test_googles_id_token_is_signed_with_a_published_key_and_belongs_to_the_walk(
    recordings: Recordings, http: aiohttp.ClientSession, sandbox: SandboxClient, walk: Any
) -> None:
    tokens = await walk("google").tokens("openid email profile", nonce="n-1")
    async with http.get(sandbox.environment["GOOGLE_JWKS_URL"]) as response:
        published = await response.json()
    assert set(published["keys"][0]) == set(recordings.load("oauth/google.jwks.json")["keys"][0])
    token = jwt.decode(tokens["id_token"], KeySet.import_key_set(published), algorithms=["RS256"])
    assert token.header["kid"] == published["keys"][0]["kid"]
    claims = token.claims
    assert claims["iss"] == sandbox.environment["GOOGLE_ACCOUNTS_URL"]
    assert (claims["aud"], claims["nonce"], claims["email"]) == (CLIENTS["google"].id, "n-1", "mira@example.com")
    assert claims["exp"] - claims["iat"] == 3_600


async def test_gitlab_tells_bad_tokens_apart_as_recorded(
    recordings: Recordings, http: aiohttp.ClientSession, sandbox: SandboxClient, walk: Any
) -> None:
    token = (await walk("gitlab").tokens("read_user"))["access_token"]
    await sandbox.expire_tokens("gitlab")
    for value, name in (("unknown", "401"), (token, "401.invalid_token")):
        status, headers, recorded = recordings.exchange(f"gitlab/errors/{name}.http.json")
        url = f"{sandbox.url}/gitlab.com/api/v4/user"
        async with http.get(url, headers={"Authorization": f"Bearer {value}"}) as response:
            assert (response.status, await response.json()) == (status, recorded)
            assert response.headers.get("WWW-Authenticate") == headers.get("www-authenticate")


async def test_figma_answers_as_recorded(recordings: Recordings, walk: Any) -> None:
    one: Walk = walk("figma")
    status, _, recorded = recordings.exchange("figma/errors/403.http.json")
    assert await one.get("/api.figma.com/v1/me", "figu_unknown") == (status, recorded)
    _, _, recorded = recordings.exchange("figma/get-current-user.v1.me.http.json")
    token = (await one.tokens("current_user:read"))["access_token"]
    assert set((await one.get("/api.figma.com/v1/me", token))[1]) == set(recorded)


@pytest.mark.parametrize("scope", ["user repo", ""])
async def test_github_knows_its_member_as_recorded_and_specified(
    recordings: Recordings, http: aiohttp.ClientSession, sandbox: SandboxClient, walk: Any, scope: str
) -> None:
    headers = {"Authorization": f"Bearer {(await walk('github').tokens(scope))['access_token']}"}
    spec = recordings.load("specs/github-rest.trimmed.openapi.json")
    for path in ("/user", "/user/repos"):
        async with http.get(sandbox.environment["GITHUB_API_URL"] + path, headers=headers) as response:
            assert not complaints(of_openapi_response(spec, path), await response.json())
    if scope:
        _, _, recorded = recordings.exchange("github/user/emails.http.json")
        async with http.get(f"{sandbox.environment['GITHUB_API_URL']}/user/emails", headers=headers) as response:
            assert [set(one) for one in await response.json()] == [set(one) for one in recorded]
