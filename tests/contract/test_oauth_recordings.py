"""What the providers' token endpoints really answer, played back: a grant, or the right typed error, each."""

import json

import httpx2
import pytest
from pydantic import SecretStr

from integrations.connections.model import Grant
from integrations.connections.oauth import InvalidGrantError
from kit.errors import UpstreamUnavailableError
from tests.recordings import ROOT, needs_recordings
from tests.unit.connections.provider import GOOGLE, PROVIDERS, VERIFIER, Script

OAUTH = ROOT / "oauth"
pytestmark = needs_recordings

ANSWERS = sorted(path.name for path in OAUTH.glob("*.token.*.http.json"))
INVALID = {"bad_verification_code", "error", "invalid_grant"}
OURS_TO_MEND = {"incorrect_client_credentials", "redirect_uri_mismatch"}


def recorded(name: str) -> tuple[str, httpx2.Response]:
    """The address that answered, and its answer."""
    document = json.loads((OAUTH / name).read_text())
    answer = document["response"]
    text = answer["body_text"] if "body_text" in answer else json.dumps(answer["body"])
    return document["request"]["url"], httpx2.Response(answer["status"], headers=answer["headers"], text=text)


async def played(name: str) -> Grant:
    """As the answer to a code; as the answer to a refresh token where that is what was recorded."""
    provider = PROVIDERS["youtube" if name.startswith("google") else name.partition(".")[0]]
    url, answer = recorded(name)
    assert url == provider.token_url
    oauth = Script({f"POST {url}": answer}).oauth()
    if ".refresh." in name:
        return await oauth.refresh(provider, Grant(SecretStr("old"), SecretStr("refresh")))
    return await oauth.exchange(provider, code="c", redirect_uri="https://t/", verifier=VERIFIER, scopes=("asked",))


@pytest.mark.parametrize("name", ANSWERS)
async def test_every_answer_is_a_grant_or_a_typed_error(name: str) -> None:
    kind = set(name.split("."))
    if kind & INVALID:
        with pytest.raises(InvalidGrantError):
            await played(name)
    elif kind & OURS_TO_MEND:
        with pytest.raises(UpstreamUnavailableError):
            await played(name)
    else:
        grant = await played(name)
        body = recorded(name)[1].text
        assert grant.access_token.get_secret_value() in body
        assert bool(grant.refresh_token) == ("refresh_token" in body or ".refresh." in name)
        assert (grant.expires_at is not None) == ("expires_in" in body)
        assert grant.scopes != () and ("scope" in body) == (grant.scopes != ("asked",))


def test_google_is_where_its_own_configuration_says() -> None:
    told = json.loads((OAUTH / "google.openid-configuration.json").read_text())
    assert GOOGLE.issuer == told["issuer"]
    assert GOOGLE.authorize_url == told["authorization_endpoint"]
    assert GOOGLE.token_url == told["token_endpoint"]
    assert GOOGLE.account_url == told["userinfo_endpoint"]
    assert GOOGLE.revoke_url == told["revocation_endpoint"]
    assert GOOGLE.jwks_url == told["jwks_uri"]
    assert GOOGLE.client_auth in told["token_endpoint_auth_methods_supported"]


def test_a_google_account_reads() -> None:
    body = json.loads((OAUTH / "google.userinfo.json").read_text())
    account = GOOGLE.read_account(body)
    assert (account.id, account.name) == (body["sub"], body["name"])
    assert account.avatar_url == body["picture"]
