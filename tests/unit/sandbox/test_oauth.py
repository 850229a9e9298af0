from typing import Any

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.oauth.model import CLIENTS
from tests.unit.sandbox.oauth import ADDRESSES, BACK, Walk, answered

PROVIDERS = sorted(ADDRESSES)


@pytest.fixture
def walk(sandbox: SandboxClient, http: aiohttp.ClientSession) -> Any:
    return lambda provider: Walk(http, sandbox.url, provider)


def _error(body: dict[str, Any]) -> str:
    return str(body.get("error") or body["err"])


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_page_asks_and_a_code_comes_back_for_what_was_ticked(
    sandbox: SandboxClient, http: aiohttp.ClientSession, walk: Any, provider: str
) -> None:
    one: Walk = walk(provider)
    url = sandbox.url + ADDRESSES[provider][0]
    async with http.get(url, params=one.asking("first second")) as response:
        page = await response.text()
        assert (response.status, response.content_type) == (200, "text/html")
    assert all(f'name="{name}"' in page for name in ("member", "tick", "decision", "state", "code_challenge"))
    form = one.asking("first second") | {"member": "juniper", "tick": "second", "decision": "allow"}
    async with http.post(url, data=form, allow_redirects=False) as response:
        answer = answered(response)
    assert answer["state"] == "s1"
    assert (await one.exchange(answer["code"]))[0] == 200
    assert [(g["member"], g["scopes"]) for g in await sandbox.grants()] == [("juniper", ["second"])]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_member_who_denies_sends_no_code(sandbox: SandboxClient, walk: Any, provider: str) -> None:
    await sandbox.consent("mira", deny=True)
    answer = await walk(provider).authorize()
    assert (answer["error"], answer["state"]) == ("access_denied", "s1")
    assert "code" not in answer


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "somebody-else"},
        {"redirect_uri": "https://evil.example/back"},
        {"redirect_uri": None},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
    ],
)
async def test_a_request_that_is_not_ours_gets_a_page_and_no_redirect(
    sandbox: SandboxClient, http: aiohttp.ClientSession, walk: Any, provider: str, changes: dict[str, Any]
) -> None:
    await sandbox.consent("mira")
    asked = walk(provider).asking(**changes)
    async with http.get(sandbox.url + ADDRESSES[provider][0], params=asked, allow_redirects=False) as response:
        assert (response.status, response.content_type) == (400, "text/html")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "changes",
    [
        {"code": "never-was"},
        {"code_verifier": None},
        {"code_verifier": "w" * 64},
        {"redirect_uri": f"{BACK}/"},
        {"client_secret": "wrong"},
    ],
    ids=["code", "no verifier", "verifier", "redirect", "client"],
)
async def test_a_code_works_only_as_it_was_made(
    sandbox: SandboxClient, walk: Any, provider: str, changes: dict[str, Any]
) -> None:
    await sandbox.consent("mira")
    one: Walk = walk(provider)
    code = (await one.authorize())["code"]
    status, body = await one.exchange(code, **{"code": code, **changes})
    assert status == 200 if provider == "github" else status in (400, 401)
    assert _error(body)
    assert "access_token" not in body


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_code_works_once_and_for_ten_minutes(sandbox: SandboxClient, walk: Any, provider: str) -> None:
    await sandbox.consent("mira")
    one: Walk = walk(provider)
    code = (await one.authorize())["code"]
    assert "access_token" in (await one.exchange(code))[1]
    assert _error((await one.exchange(code))[1])
    late = (await one.authorize())["code"]
    await sandbox.advance(600)
    assert _error((await one.exchange(late))[1])


async def test_a_code_of_one_provider_is_nothing_to_another(sandbox: SandboxClient, walk: Any) -> None:
    await sandbox.consent("mira")
    code = (await walk("github").authorize())["code"]
    assert (await walk("gitlab").exchange(code))[1]["error"] == "invalid_grant"


async def test_refresh_tokens_of_gitlab_rotate_and_a_used_one_ends_the_grant(sandbox: SandboxClient, walk: Any) -> None:
    await sandbox.consent("mira")
    one: Walk = walk("gitlab")
    first = await one.tokens("read_user")
    status, second = await one.refresh(first["refresh_token"])
    assert (status, second["refresh_token"] != first["refresh_token"]) == (200, True)
    assert (await one.get("/gitlab.com/api/v4/user", first["access_token"]))[0] == 401
    assert (await one.get("/gitlab.com/api/v4/user", second["access_token"]))[1]["username"] == "mira-example"
    assert (await one.refresh(first["refresh_token"]))[1]["error"] == "invalid_grant"
    assert (await one.refresh(second["refresh_token"]))[1]["error"] == "invalid_grant"
    status, body = await one.get("/gitlab.com/api/v4/user", second["access_token"])
    assert (status, "revoked" in body["error_description"]) == (401, True)


async def test_google_gives_a_refresh_token_on_first_consent_or_when_asked_to_prompt(
    sandbox: SandboxClient, walk: Any
) -> None:
    await sandbox.consent("mira")
    one: Walk = walk("google")
    assert "refresh_token" not in await one.tokens("openid")
    await sandbox.revoke_grants("google")
    offline = {"access_type": "offline"}
    tokens = await one.tokens("openid", **offline)
    assert "refresh_token" not in await one.tokens("openid", **offline)
    assert "refresh_token" in await one.tokens("openid", prompt="consent", **offline)
    status, refreshed = await one.refresh(tokens["refresh_token"])
    assert (status, "refresh_token" in refreshed) == (200, False)  # the old one stays good
    assert (await one.refresh(tokens["refresh_token"]))[0] == 200
    assert [grant["refreshes"] for grant in await sandbox.grants()] == [0, 2, 0, 0]


async def test_expired_and_revoked_tokens_answer_401_and_only_the_latter_ends_refreshing(
    sandbox: SandboxClient, walk: Any
) -> None:
    await sandbox.consent("mira")
    one: Walk = walk("google")
    tokens = await one.tokens("openid", access_type="offline")
    userinfo = "/openidconnect.googleapis.com/v1/userinfo"
    assert await one.get(userinfo, tokens["access_token"]) == (200, {"sub": "104000000000000000001"})
    assert await sandbox.expire_tokens("google", "mira") == 1
    assert (await one.get(userinfo, tokens["access_token"]))[0] == 401
    _, fresh = await one.refresh(tokens["refresh_token"])
    await sandbox.advance(3_599)
    assert (await one.get(userinfo, fresh["access_token"]))[0] == 401
    await sandbox.revoke_grants("google", "mira")
    _, body = await one.refresh(tokens["refresh_token"])
    assert body == {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}


async def test_revoking_at_google_ends_all_that_the_member_allowed(sandbox: SandboxClient, walk: Any) -> None:
    await sandbox.consent("mira")
    one: Walk = walk("google")
    first, second = await one.tokens("openid"), await one.tokens("openid")
    assert await one.post("/oauth2.googleapis.com/revoke", token=first["access_token"]) == (200, {})
    assert (await one.get("/openidconnect.googleapis.com/v1/userinfo", second["access_token"]))[0] == 401
    status, body = await one.post("/oauth2.googleapis.com/revoke", token=first["access_token"])
    assert (status, body["error"]) == (400, "invalid_token")


async def test_revoking_at_gitlab_needs_the_client_and_forgives_unknown_tokens(
    sandbox: SandboxClient, walk: Any
) -> None:
    await sandbox.consent("mira")
    one: Walk = walk("gitlab")
    token = (await one.tokens("read_user"))["access_token"]
    assert (await one.post("/gitlab.com/oauth/revoke", token=token, client_secret="wrong"))[0] == 403
    assert await one.post("/gitlab.com/oauth/revoke", token="never-was") == (200, {})
    assert await one.post("/gitlab.com/oauth/revoke", token=token) == (200, {})
    assert (await one.get("/gitlab.com/api/v4/user", token))[0] == 401


async def test_figma_refreshes_at_an_address_of_its_own_and_takes_basic(
    sandbox: SandboxClient, http: aiohttp.ClientSession, walk: Any
) -> None:
    await sandbox.consent("hoshi")
    one: Walk = walk("figma")
    tokens = await one.tokens("current_user:read,file_content:read")
    client = CLIENTS["figma"]
    basic = aiohttp.encode_basic_auth(client.id, client.secret)
    sent = {"refresh_token": tokens["refresh_token"]}
    url = f"{sandbox.url}/api.figma.com/v1/oauth/refresh"
    async with http.post(url, data=sent, headers={"Authorization": basic}) as response:
        refreshed = await response.json()
    assert set(refreshed) == {"access_token", "token_type", "expires_in"}
    assert (await one.get("/api.figma.com/v1/me", refreshed["access_token"]))[1]["handle"] == "星野ほし"
    assert (await one.get("/api.figma.com/v1/me", "figu_unknown"))[0] == 403


async def test_secrets_tell_every_code_and_token(sandbox: SandboxClient, walk: Any) -> None:
    await sandbox.consent("mira")
    one: Walk = walk("gitlab")
    code = (await one.authorize())["code"]
    _, tokens = await one.exchange(code)
    known = await sandbox.secrets()
    assert {code, tokens["access_token"], tokens["refresh_token"], CLIENTS["gitlab"].secret} <= set(known)


async def test_refreshing_can_be_made_to_fail(sandbox: SandboxClient, walk: Any) -> None:
    await sandbox.consent("mira")
    one: Walk = walk("google")
    token = (await one.tokens("openid", access_type="offline"))["refresh_token"]
    await sandbox.fault("google", "invalid_grant", path="/token", contains="grant_type=refresh_token", times=1)
    await sandbox.fault("google", status=503, path="/token", times=1)
    assert (await one.refresh(token))[1]["error"] == "invalid_grant"
    assert (await one.refresh(token))[0] == 503
    assert (await one.refresh(token))[0] == 200


async def test_reset_forgets_grants_and_consents(
    sandbox: SandboxClient, http: aiohttp.ClientSession, walk: Any
) -> None:
    await sandbox.consent("mira")
    one: Walk = walk("gitlab")
    token = (await one.tokens("read_user"))["access_token"]
    await sandbox.reset()
    assert await sandbox.grants() == []
    assert (await one.get("/gitlab.com/api/v4/user", token))[0] == 401
    async with http.get(sandbox.url + ADDRESSES["gitlab"][0], params=one.asking()) as response:
        assert response.content_type == "text/html"


async def test_who_or_what_does_not_exist_is_refused(sandbox: SandboxClient) -> None:
    with pytest.raises(ValueError, match="no member"):
        await sandbox.consent("nobody")
    with pytest.raises(ValueError, match="no provider"):
        await sandbox.consent("mira", "youtube")
    with pytest.raises(ValueError, match="no provider"):
        await sandbox.revoke_grants("youtube")
    with pytest.raises(ValueError, match="forward"):
        await sandbox.advance(-1)


async def test_what_a_request_says_is_no_markup_on_the_page(
    sandbox: SandboxClient, http: aiohttp.ClientSession, walk: Any
) -> None:
    attack = '"><script>alert(1)</script>'
    asked = walk("google").asking(attack, state=attack) | {attack: attack}
    async with http.get(sandbox.url + ADDRESSES["google"][0], params=asked) as response:
        page = await response.text()
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<script>" not in page
