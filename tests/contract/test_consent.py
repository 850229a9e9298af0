"""Our client and the sandbox's authorization servers: each provider's grant, from consent to revocation."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from pydantic import SecretStr

from integrations.connections.model import Grant
from integrations.connections.oauth import InvalidGrantError, OAuth
from integrations.connections.providers import build_providers
from integrations.connections.settings import ConnectionSettings
from integrations.provider import Provider, Purpose
from kit.errors import UpstreamUnavailableError
from kit.http import open_transport
from sandbox.client import SandboxClient
from sandbox.running import running

BACK = "http://127.0.0.1:9/callback/"
VERIFIER = SecretStr("v" * 64)
PLAYED = ["figma", "github", "gitlab", "google", "youtube"]


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxClient]:
    async with running() as serving:
        await serving.consent("mira")
        yield serving


@pytest.fixture
async def oauth(sandbox: SandboxClient) -> AsyncIterator[OAuth]:
    settings = {name.lower(): value for name, value in sandbox.environment.items()}
    transport = open_transport()
    yield OAuth(build_providers(ConnectionSettings.model_validate(settings)), transport)
    await transport.aclose()


async def consented(oauth: OAuth, provider: Provider, purpose: Purpose, verifier: SecretStr = VERIFIER) -> Grant:
    scopes = provider.scopes[purpose]
    url = oauth.authorize_url(provider, scopes=scopes, redirect_uri=BACK, state="st", verifier=VERIFIER, nonce="n0nce")
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        back = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert back["state"] == "st"
    assert provider.issued_by(back.get("iss"))
    return await oauth.exchange(provider, code=back["code"], redirect_uri=BACK, verifier=verifier, scopes=scopes)


@pytest.mark.parametrize("name", PLAYED)
async def test_a_grant_lives_from_consent_to_revocation(sandbox: SandboxClient, oauth: OAuth, name: str) -> None:
    provider = oauth.providers[name]
    purpose = Purpose.CONNECT if provider.offers(Purpose.CONNECT) else Purpose.SIGN_IN
    grant = await consented(oauth, provider, purpose)
    account = await oauth.account(provider, grant, nonce="n0nce")
    assert account.id
    assert account.name
    assert provider.missing(purpose, grant.scopes) == ()

    if grant.refresh_token is not None:
        await sandbox.expire_tokens()
        with pytest.raises(UpstreamUnavailableError):
            await oauth.account(provider, grant)
        renewed = await oauth.refresh(provider, grant)
        assert renewed.access_token != grant.access_token
        assert renewed.refresh_token is not None
        assert (await oauth.account(provider, renewed)).id == account.id
        grant = renewed
    else:
        assert name in ("github", "google"), "the others renew"

    if provider.revoke_url:
        assert await oauth.revoke(provider, grant)
        with pytest.raises(UpstreamUnavailableError):
            await oauth.account(provider, grant)
        assert await oauth.revoke(provider, grant), "what is gone already counts as revoked"


async def test_a_used_refresh_token_is_refused_where_they_rotate(oauth: OAuth) -> None:
    gitlab = oauth.providers["gitlab"]
    grant = await consented(oauth, gitlab, Purpose.CONNECT)
    renewed = await oauth.refresh(gitlab, grant)
    assert renewed.refresh_token != grant.refresh_token
    with pytest.raises(InvalidGrantError):
        await oauth.refresh(gitlab, grant)


@pytest.mark.parametrize("name", ["figma", "gitlab", "youtube"])
async def test_what_the_member_took_back_is_an_invalid_grant(sandbox: SandboxClient, oauth: OAuth, name: str) -> None:
    provider = oauth.providers[name]
    grant = await consented(oauth, provider, Purpose.CONNECT)
    await sandbox.revoke_grants()
    with pytest.raises(InvalidGrantError):
        await oauth.refresh(provider, grant)


@pytest.mark.parametrize("name", PLAYED)
async def test_a_code_is_worth_nothing_without_its_verifier(oauth: OAuth, name: str) -> None:
    provider = oauth.providers[name]
    purpose = Purpose.CONNECT if provider.offers(Purpose.CONNECT) else Purpose.SIGN_IN
    with pytest.raises(InvalidGrantError):
        await consented(oauth, provider, purpose, SecretStr("x" * 64))


@pytest.mark.parametrize("name", ["github", "gitlab", "google"])
async def test_a_wrong_secret_of_ours_is_nothing_that_a_member_could_mend(oauth: OAuth, name: str) -> None:
    provider = oauth.providers[name]
    wrong = replace(provider, client_secret=SecretStr("wrong"))
    with pytest.raises(UpstreamUnavailableError):
        await consented(oauth, wrong, next(iter(provider.scopes)))


async def test_an_unticked_scope_is_noticed(sandbox: SandboxClient, oauth: OAuth) -> None:
    youtube = oauth.providers["youtube"]
    (read,) = [scope for scope in youtube.scopes[Purpose.CONNECT] if "youtube" in scope]
    await sandbox.consent("mira", without=[read])
    grant = await consented(oauth, youtube, Purpose.CONNECT)
    assert youtube.missing(Purpose.CONNECT, grant.scopes) == (read,)
