"""Connecting an account: the walk as it should go, and every way to abuse it that is known."""

import json
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from bson import json_util
from pydantic import SecretStr

from kit.vault import Vault, VaultSettings, new_key
from services.gateway.auth import oauth_flow
from services.gateway.tokens.service import PREFIX
from tests.e2e.members.browser import HOME
from tests.e2e.walk.conftest import CONNECTIONS, DOMAIN, World
from tests.e2e.walk.provider import ISSUERS, asked_for

CALLBACK = f"{CONNECTIONS}/github/callback/"


async def refused(client: httpx2.AsyncClient, back: dict[str, str], address: str = CALLBACK) -> bool:
    answer = await client.get(address, params=back)
    return (answer.status_code, answer.json()["error_code"]) == (400, "OAUTH_STATE_INVALID")


async def state_of(client: httpx2.AsyncClient, provider: str = "github") -> dict[str, Any]:
    listed = (await client.get(f"{CONNECTIONS}/")).json()["connections"]
    return next(one for one in listed if one["provider"] == provider)


async def test_a_member_connects_an_account_and_sees_it(world: World) -> None:
    ada = await world.browser()
    assert await state_of(ada) == {
        "provider": "github", "title": "GitHub", "state": "disconnected", "account_name": None,
        "scopes": [], "missing_scopes": [], "connected_at": None, "last_used_at": None,
    }  # fmt: skip
    address = await world.start(ada)
    asked = asked_for(address)
    assert address.startswith("https://github.com/login/oauth/authorize?")
    assert asked["redirect_uri"] == f"{HOME}{CALLBACK}"
    assert (asked["scope"], asked["code_challenge_method"]) == ("user user:email", "S256")
    assert len(asked["state"]) >= 43

    answer = await ada.get(CALLBACK, params=world.providers.consent(address))
    assert (answer.status_code, answer.json()["account_name"], answer.json()["state"]) == (200, "octocat", "connected")
    assert await state_of(ada) == answer.json()
    assert (await state_of(ada, "gitlab"))["state"] == "disconnected"
    bob = await world.browser("bob")
    assert (await state_of(bob))["state"] == "disconnected", "a connection is its member's alone"


async def test_the_cookie_of_a_walk_cannot_be_read_or_planted(world: World) -> None:
    ada = await world.browser()
    answer = await ada.get(f"{CONNECTIONS}/github/start/")
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-oauth-flow=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(attributes)
    assert "Max-Age=600" in attributes


async def test_private_content_is_asked_for_only_on_demand(world: World) -> None:
    ada = await world.browser()
    assert "repo" not in asked_for(await world.start(ada))["scope"].split()
    assert "repo" in asked_for(await world.start(ada, private=True))["scope"].split()
    assert "repo" not in asked_for(await world.start(ada, "gitlab", private=True))["scope"].split()


async def test_who_connects_again_is_asked_for_no_less_than_before(world: World) -> None:
    ada = await world.browser()
    await world.connect(ada, private=True)
    await world.db.connections.update_one({}, {"$set": {"state": "needs_reauth"}})
    assert "repo" in asked_for(await world.start(ada))["scope"].split()
    assert "repo" not in asked_for(await world.start(ada, private=False))["scope"].split()
    assert "repo" not in asked_for(await world.start(await world.browser("bob")))["scope"].split()
    await ada.delete(f"{CONNECTIONS}/github/")
    assert "repo" not in asked_for(await world.start(ada))["scope"].split()


async def test_two_tabs_may_walk_at_once(world: World) -> None:
    ada = await world.browser()
    first, second = await world.start(ada), await world.start(ada, "gitlab")
    for address, provider in ((first, "github"), (second, "gitlab")):
        back = world.providers.consent(address)
        assert (await ada.get(f"{CONNECTIONS}/{provider}/callback/", params=back)).status_code == 200


async def test_a_jwts_bearer_opens_the_address_that_the_answer_names(world: World) -> None:
    api = await world.api()
    answer = await api.get(f"{CONNECTIONS}/github/start/", headers={"Accept": "application/json"})
    back = world.providers.consent(answer.json()["authorize_url"])
    comes_back = await world.browser(None)
    comes_back.cookies.set(oauth_flow.COOKIE, api.cookies[oauth_flow.COOKIE], domain=DOMAIN)
    assert (await comes_back.get(CALLBACK, params=back)).json()["account_name"] == "octocat"
    assert (await state_of(api))["state"] == "connected"


async def test_the_browser_returns_to_the_page_that_it_came_from(world: World) -> None:
    ada = await world.browser()
    for page, lands_at in (
        ("/console/?tab=accounts#github", f"{HOME}/console/?tab=accounts&connected=github#github"),
        ("https://host.test/settings", "https://host.test/settings?connected=github"),
    ):
        back = world.providers.consent(await world.start(ada, return_to=page))
        answer = await ada.get(CALLBACK, params=back)
        assert (answer.status_code, answer.headers["location"]) == (303, lands_at)
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_scopes_that_were_unticked_are_noticed(world: World) -> None:
    ada = await world.browser()
    back = world.providers.consent(await world.start(ada, return_to="/console/"), scopes="user:email")
    answer = await ada.get(CALLBACK, params=back)
    assert asked_for(answer.headers["location"])["missing_scopes"] == "user"
    assert (await state_of(ada))["missing_scopes"] == ["user"]


async def test_that_private_content_was_asked_for_and_unticked_is_noticed(world: World) -> None:
    ada = await world.browser()
    address = await world.start(ada, return_to="/console/", private=True)
    answer = await ada.get(CALLBACK, params=world.providers.consent(address, scopes="user user:email"))
    assert asked_for(answer.headers["location"])["missing_scopes"] == "repo"
    assert (await state_of(ada))["missing_scopes"] == ["repo"]
    await world.connect(ada, private=False)
    assert (await state_of(ada))["missing_scopes"] == []


async def test_a_refused_consent_is_told_on_the_page_or_in_the_answer(world: World) -> None:
    ada = await world.browser()
    state = asked_for(await world.start(ada))["state"]
    answer = await ada.get(CALLBACK, params={"error": "access_denied", "state": state})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CONSENT_REFUSED")
    assert answer.json()["action"] == "connect_github"
    state = asked_for(await world.start(ada, return_to="/console/"))["state"]
    answer = await ada.get(CALLBACK, params={"error": "access_denied", "state": state})
    assert answer.headers["location"] == f"{HOME}/console/?provider=github&error_code=CONSENT_REFUSED"
    assert (await state_of(ada))["state"] == "disconnected"


async def test_a_code_that_the_provider_refuses_connects_nothing(world: World) -> None:
    ada = await world.browser()
    state = asked_for(await world.start(ada))["state"]
    answer = await ada.get(CALLBACK, params={"code": "stolen-or-made-up", "state": state})
    assert (answer.status_code, answer.json()["error_code"]) == (424, "AUTH_ERROR")
    assert (await state_of(ada))["state"] == "disconnected"


async def test_a_replayed_state_is_refused(world: World) -> None:
    ada = await world.browser()
    back = world.providers.consent(await world.start(ada))
    assert (await ada.get(CALLBACK, params=back)).status_code == 200
    again = world.providers.consent(await world.start(ada))
    assert await refused(ada, {**again, "state": back["state"]})
    assert world.providers.exchanges == 1, "the code was not spent"


async def test_a_missing_or_made_up_state_is_refused(world: World) -> None:
    ada = await world.browser()
    back = world.providers.consent(await world.start(ada))
    for state in ({}, {"state": ""}, {"state": "x" * 43}, {"state": back["state"][:-1]}):
        assert await refused(ada, {"code": back["code"], **state})
    assert world.providers.exchanges == 0


async def test_a_state_of_another_browser_is_refused(world: World) -> None:
    """Login CSRF: the victim is sent to the callback with the attacker's code and state."""
    mallory, ada, nobody = await world.browser("mallory"), await world.browser(), await world.browser(None)
    for victim in (ada, nobody):
        assert await refused(victim, world.providers.consent(await world.start(mallory)))
    mallory, guest = await world.api("mallory"), await world.browser(None)
    for victim in (ada, guest):
        victim.cookies.set(oauth_flow.COOKIE, "x" * 43, domain=DOMAIN)
        back = world.providers.consent(await world.start(mallory))
        assert await refused(victim, back), "with a walk of their own under way"
    assert world.providers.exchanges == 0


async def test_a_walk_ends_in_the_session_that_it_began_in(world: World) -> None:
    ada, bob = await world.browser(), await world.browser("bob")
    for session in (bob.cookies["__Host-session"], None):
        back = world.providers.consent(await world.start(ada))
        other = await world.browser(None)
        other.cookies.set(oauth_flow.COOKIE, ada.cookies[oauth_flow.COOKIE], domain=DOMAIN)
        if session:
            other.cookies.set("__Host-session", session, domain=DOMAIN)
        assert await refused(other, back), "the same browser, where meanwhile somebody else is signed in, or nobody"


async def test_a_state_of_another_provider_is_refused(world: World) -> None:
    ada = await world.browser()
    back = world.providers.consent(await world.start(ada, "gitlab"))
    assert await refused(ada, back)
    assert world.providers.exchanges == 0


async def test_an_answer_that_another_issuer_sent_is_refused(world: World) -> None:
    """Mix-up (RFC 9207): the code of one provider must not go to the token endpoint of another."""
    ada = await world.browser()
    back = world.providers.consent(await world.start(ada))
    assert await refused(ada, {**back, "iss": ISSUERS["gitlab"]})
    assert world.providers.exchanges == 0
    back = world.providers.consent(await world.start(ada))
    assert (await ada.get(CALLBACK, params={**back, "iss": ISSUERS["github"]})).status_code == 200


async def test_without_the_verifier_a_code_is_worth_nothing(world: World) -> None:
    """The verifier is made of the state and of the browser's secret, and stored nowhere."""
    ada = await world.browser()
    stolen = world.providers.consent(await world.start(ada))
    other = await world.start(ada)
    answer = await ada.get(CALLBACK, params={"code": stolen["code"], "state": asked_for(other)["state"]})
    assert (answer.status_code, answer.json()["error_code"]) == (424, "AUTH_ERROR")
    assert await refused(await world.browser(None), stolen)


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test/",
        "\\\\evil.test",
        "/\t/evil.test/",
        "https://host.test.evil.test/",
        "https://host.test@evil.test/",
        "https://host.test:8443/",
        "http://host.test/",
        "https://host.test\\@evil.test/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:evil.test",
        "https:///evil.test",
        "console/",
        "",
        "/\r\nSet-Cookie: a=b",
        "/" + "x" * 3_000,
    ],
)
async def test_a_page_that_is_not_allowed_is_no_return_page(world: World, page: str) -> None:
    ada = await world.browser()
    answer = await ada.get(f"{CONNECTIONS}/github/start/", params={"return_to": page})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "INVALID_REQUEST")
    assert await world.db.walks.count_documents({}) == 0


async def test_a_return_page_leads_to_our_own_host_however_it_is_read(world: World) -> None:
    ada = await world.browser()
    for page in ("/.//evil.test/", "/%5c%5cevil.test/", "/@evil.test/"):
        back = world.providers.consent(await world.start(ada, return_to=page))
        lands_at = (await ada.get(CALLBACK, params=back)).headers["location"]
        assert urlsplit(lands_at).netloc == DOMAIN


async def test_another_sites_page_cannot_start_a_walk_in_a_session(world: World) -> None:
    ada = await world.browser(**{"Sec-Fetch-Site": "cross-site"})
    answer = await ada.get(f"{CONNECTIONS}/github/start/")
    assert (answer.status_code, answer.json()["error_code"]) == (403, "FORBIDDEN")


async def test_an_api_token_connects_and_disconnects_nothing(world: World) -> None:
    ada = await world.browser()
    token = (await ada.post("/api/v1/tokens/", json={"name": "script"})).json()["token"]
    assert token.startswith(PREFIX)
    script = await world.browser(None, Authorization=f"Bearer {token}")
    assert (await script.get(f"{CONNECTIONS}/")).status_code == 200
    assert (await script.get(f"{CONNECTIONS}/github/start/")).status_code == 403
    assert (await script.delete(f"{CONNECTIONS}/github/")).status_code == 403


async def test_what_is_stored_and_answered_holds_no_secret(world: World) -> None:
    ada = await world.browser()
    address = await world.start(ada)
    secrets = [asked_for(address)["state"], ada.cookies[oauth_flow.COOKIE]]
    stored = json_util.dumps(await world.db.walks.find().to_list())
    assert len(json.loads(stored)) == 1
    assert not [secret for secret in secrets if secret in stored]

    answer = await ada.get(CALLBACK, params=world.providers.consent(address))
    (token,) = world.providers.tokens
    stored = json_util.dumps(await world.db.connections.find().to_list())
    assert token not in stored + answer.text + (await ada.get(f"{CONNECTIONS}/")).text


async def test_disconnecting_revokes_and_erases(world: World) -> None:
    ada, bob = await world.browser(), await world.browser("bob")
    await world.connect(ada)
    assert (await bob.delete(f"{CONNECTIONS}/github/")).status_code == 404
    assert (await state_of(ada))["state"] == "connected"
    (token,) = world.providers.tokens
    assert (await ada.delete(f"{CONNECTIONS}/github/")).status_code == 204
    assert [token in body for body in world.providers.revoked] == [True]
    assert (await state_of(ada))["state"] == "disconnected"
    assert (await ada.delete(f"{CONNECTIONS}/github/")).status_code == 404


async def test_connecting_again_revokes_what_it_replaces(world: World) -> None:
    ada = await world.browser()
    await world.connect(ada, private=True)
    (first,) = world.providers.tokens
    await world.connect(ada)
    assert [first in body for body in world.providers.revoked] == [True]
    assert (await state_of(ada))["state"] == "connected"


async def test_tokens_that_no_key_opens_need_consent_again_and_can_be_disconnected(world: World) -> None:
    ada = await world.browser()
    await world.connect(ada)
    sealed = Vault(VaultSettings(token_keys=SecretStr(new_key("lost")))).seal(SecretStr("x"), bound_to=("y",))
    await world.db.connections.update_one({}, {"$set": {"access_token": sealed}})
    assert (await state_of(ada))["state"] == "needs_reauth"
    answer = await ada.get("/api/v1/github/repos/")
    assert (answer.status_code, answer.json()["action"]) == (424, "connect_github")
    assert (await ada.delete(f"{CONNECTIONS}/github/")).status_code == 204
    assert (await state_of(ada))["state"] == "disconnected"


async def test_a_provider_that_is_not_offered_is_not_found(world: World) -> None:
    ada = await world.browser()
    for provider in ("dribbble", "google", "nobody"):
        for address in (f"{CONNECTIONS}/{provider}/start/", f"{CONNECTIONS}/{provider}/callback/"):
            assert (await ada.get(address)).status_code == 404
    assert {one["provider"] for one in (await ada.get(f"{CONNECTIONS}/")).json()["connections"]} == {"github", "gitlab"}
