"""Signing in with GitHub and Google, as the sandbox plays them: whom it makes, what it leaves, and what it refuses."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from kit.mongo import Database
from sandbox.client import SandboxClient
from services.gateway.auth import oauth_flow, sessions
from tests.e2e.members.browser import HOME, browser, decided, query_of
from tests.unit.gateway.support import bearer

ME = "/api/v1/me/"
PROVIDERS = ("github", "google")


@pytest.fixture
def app(with_providers: FastAPI) -> FastAPI:
    return with_providers


@pytest.fixture
async def mira(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser(app) as client:
        yield client


async def begun(client: httpx2.AsyncClient, provider: str, **query: str) -> str:
    """The provider's page of consent."""
    answer = await client.get(f"/auth/{provider}/start/", params=query)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def signed_in(client: httpx2.AsyncClient, provider: str, member: str = "mira", **query: str) -> httpx2.Response:
    return await client.get(await decided(await begun(client, provider, **query), member))


def changed(url: str, **params: str | None) -> str:
    query = {**query_of(url), **params}
    return str(httpx2.URL(url).copy_with(params={name: value for name, value in query.items() if value is not None}))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_first_sign_in_makes_a_member_and_a_later_one_finds_them(
    app: FastAPI, db: Database, mira: httpx2.AsyncClient, provider: str
) -> None:
    answer = await signed_in(mira, provider)
    assert answer.status_code == 200, answer.text
    me = (await mira.get(ME)).json()
    assert me == answer.json()
    assert (me["display_name"], me["kind"]) == ("Mira Lindqvist", "person")
    assert [one["provider"] for one in me["identities"]] == [provider]
    async with browser(app) as elsewhere:
        assert (await signed_in(elsewhere, provider)).json() == me
        assert (await signed_in(elsewhere, provider, "juniper")).json()["id"] != me["id"]
    assert await db["users"].count_documents({}) == 2


async def test_the_walk_asks_for_who_and_for_nothing_else(mira: httpx2.AsyncClient) -> None:
    scopes = {}
    for provider in PROVIDERS:
        asked = query_of(await begun(mira, provider))
        assert asked["redirect_uri"] == f"{HOME}/auth/{provider}/callback/"
        assert asked["code_challenge_method"] == "S256"
        scopes[provider] = asked["scope"]
    assert scopes == {"github": "read:user", "google": "openid profile"}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_nothing_of_what_the_provider_gave_us_is_kept(
    db: Database, sandbox: SandboxClient, mira: httpx2.AsyncClient, provider: str
) -> None:
    await signed_in(mira, provider)
    secrets = await sandbox.secrets()
    assert secrets
    for name in await db.list_collection_names():
        stored = str(await db[name].find().to_list())
        assert not [secret for secret in secrets if secret in stored], name


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_provider_that_is_away_signs_nobody_in(
    db: Database, sandbox: SandboxClient, mira: httpx2.AsyncClient, provider: str
) -> None:
    back = await decided(await begun(mira, provider))
    await sandbox.fault(provider, status=503)
    answer = await mira.get(back)
    assert (answer.status_code, answer.json()["error_code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert sessions.COOKIE not in mira.cookies
    assert await db["users"].count_documents({}) == 0
    await sandbox.heal()
    assert (await signed_in(mira, provider)).status_code == 200, "a new walk, once it is back"


async def test_every_sign_in_has_a_new_session_and_ends_the_one_before(app: FastAPI, mira: httpx2.AsyncClient) -> None:
    await signed_in(mira, "github")
    first = mira.cookies[sessions.COOKIE]
    await signed_in(mira, "github")
    assert mira.cookies[sessions.COOKIE] != first
    async with browser(app) as thief:
        thief.cookies.set(sessions.COOKIE, first)
        assert (await thief.get(ME)).status_code == 401


async def test_a_session_that_was_planted_before_does_not_become_the_members(
    app: FastAPI, mira: httpx2.AsyncClient
) -> None:
    planted = "A" * 43
    mira.cookies.set(sessions.COOKIE, planted, domain="127.0.0.1", path="/")
    await signed_in(mira, "github")
    async with browser(app) as attacker:
        attacker.cookies.set(sessions.COOKIE, planted)
        assert (await attacker.get(ME)).status_code == 401


async def test_signing_out_ends_the_session_everywhere(app: FastAPI, mira: httpx2.AsyncClient) -> None:
    await signed_in(mira, "github")
    secret = mira.cookies[sessions.COOKIE]
    assert (await mira.post("/auth/sign-out/", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await mira.get(ME)).status_code == 200
    assert (await mira.post("/auth/sign-out/")).status_code == 204
    assert sessions.COOKIE not in mira.cookies
    async with browser(app) as kept:
        kept.cookies.set(sessions.COOKIE, secret)
        assert (await kept.get(ME)).status_code == 401
    assert (await mira.post("/auth/sign-out/")).status_code == 204, "twice does no harm"


# Linking


async def test_a_person_links_a_second_account_and_signs_in_with_either(app: FastAPI, mira: httpx2.AsyncClient) -> None:
    me = (await signed_in(mira, "github")).json()
    linked = (await signed_in(mira, "google", link="true")).json()
    assert linked["id"] == me["id"]
    assert [one["provider"] for one in linked["identities"]] == ["github", "google"]
    async with browser(app) as elsewhere:
        assert (await signed_in(elsewhere, "google")).json()["id"] == me["id"]


async def test_an_account_that_signs_another_member_in_cannot_be_linked(app: FastAPI, mira: httpx2.AsyncClient) -> None:
    async with browser(app) as elsewhere:
        juniper = (await signed_in(elsewhere, "google", "juniper")).json()
    me = (await signed_in(mira, "github")).json()
    answer = await signed_in(mira, "google", "juniper", link="true")
    assert (answer.status_code, answer.json()["error_code"]) == (409, "CONFLICT")
    assert (await mira.get(ME)).json() == me
    assert juniper["id"] != me["id"]


async def test_linking_needs_a_session_and_our_own_page(app: FastAPI, mira: httpx2.AsyncClient) -> None:
    start = "/auth/google/start/?link=true"
    assert (await mira.get(start)).status_code == 401
    assert (await mira.get(start, headers=bearer("ada"))).status_code == 401
    await signed_in(mira, "github")
    assert (await mira.get(start, headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await mira.get(start)).status_code == 302


async def test_a_link_ends_in_the_session_that_it_began_in(db: Database, mira: httpx2.AsyncClient) -> None:
    await signed_in(mira, "github")
    back = await decided(await begun(mira, "google", link="true"))
    await signed_in(mira, "github", "juniper")
    assert (await mira.get(back)).json()["error_code"] == "OAUTH_STATE_INVALID"
    assert await db["users"].count_documents({"identities.provider": "google"}) == 0


async def test_a_link_whose_session_has_ended_makes_nobody(db: Database, mira: httpx2.AsyncClient) -> None:
    await signed_in(mira, "github")
    back = await decided(await begun(mira, "google", link="true"))
    await mira.post("/auth/sign-out/")
    assert (await mira.get(back)).json()["error_code"] == "OAUTH_STATE_INVALID"
    assert await db["users"].count_documents({"identities.provider": "google"}) == 0


# Attacks (HARDENING S9)


async def refused(client: httpx2.AsyncClient, url: str) -> None:
    answer = await client.get(url)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "OAUTH_STATE_INVALID"), answer.text
    assert sessions.COOKIE not in client.cookies


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_answer_is_good_for_one_session(app: FastAPI, mira: httpx2.AsyncClient, provider: str) -> None:
    back = await decided(await begun(mira, provider))
    assert (await mira.get(back)).status_code == 200
    mira.cookies.delete(sessions.COOKIE)
    await refused(mira, back)


async def test_an_answer_without_a_state_or_with_a_made_up_one_is_refused(mira: httpx2.AsyncClient) -> None:
    back = await decided(await begun(mira, "github"))
    for state in (None, "", "A" * 43, "x" * 5_000):
        answer = await mira.get(changed(back, state=state))
        assert answer.json()["error_code"] in ("OAUTH_STATE_INVALID", "INVALID_REQUEST")
    assert sessions.COOKIE not in mira.cookies


async def test_nobody_is_signed_in_by_somebody_elses_answer(app: FastAPI, mira: httpx2.AsyncClient) -> None:
    """An attacker's link, clicked by a victim, would sign the victim in as the attacker."""
    async with browser(app) as attacker:
        back = await decided(await begun(attacker, "github"), "juniper")
    await refused(mira, back)
    await begun(mira, "github")
    await refused(mira, back)


async def test_the_answer_of_one_provider_is_not_taken_for_anothers(mira: httpx2.AsyncClient) -> None:
    back = await decided(await begun(mira, "github"))
    await refused(mira, back.replace("/auth/github/", "/auth/google/"))
    back = await decided(await begun(mira, "google"))
    await refused(mira, changed(back, iss="https://evil.test"))


async def test_a_code_is_worth_nothing_in_another_walk(app: FastAPI, mira: httpx2.AsyncClient) -> None:
    async with browser(app) as victim:
        stolen = query_of(await decided(await begun(victim, "github"), "juniper"))["code"]
    back = await decided(await begun(mira, "github"))
    answer = await mira.get(changed(back, code=stolen))
    assert answer.status_code >= 400, "its PKCE verifier is another's"
    assert sessions.COOKIE not in mira.cookies


@pytest.mark.parametrize(
    "page", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "http://127.0.0.1@evil.test"]
)
async def test_nobody_is_sent_to_a_strangers_page(mira: httpx2.AsyncClient, page: str) -> None:
    answer = await mira.get("/auth/github/start/", params={"return_to": page})
    assert (answer.status_code, answer.json()["error_code"]) == (422, "INVALID_REQUEST")


async def test_a_walk_leads_back_to_where_it_began(mira: httpx2.AsyncClient) -> None:
    answer = await signed_in(mira, "github", return_to="/console/?tab=1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}/console/?tab=1")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert (await mira.get(ME)).status_code == 200


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_whoever_denies_is_not_signed_in_and_told_so(mira: httpx2.AsyncClient, provider: str) -> None:
    answer = await mira.get(await decided(await begun(mira, provider), decision="deny"))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CONSENT_REFUSED")
    answer = await mira.get(await decided(await begun(mira, provider, return_to="/in/"), decision="deny"))
    assert answer.headers["location"] == f"{HOME}/in/?provider={provider}&error_code=CONSENT_REFUSED"
    assert sessions.COOKIE not in mira.cookies


async def test_only_who_offers_a_sign_in_is_asked(mira: httpx2.AsyncClient) -> None:
    for provider in ("youtube", "gitlab", "figma", "nobody", "..%2f"):
        for step in ("start", "callback"):
            assert (await mira.get(f"/auth/{provider}/{step}/")).status_code == 404


async def test_the_walks_cookie_is_the_browsers_own(mira: httpx2.AsyncClient) -> None:
    answer = await mira.get("/auth/github/start/")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{oauth_flow.COOKIE.lower()}=")
    assert all(part in cookie for part in ("httponly", "secure", "path=/", "samesite=lax"))
