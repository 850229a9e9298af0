"""What a granted token may see, by its scopes."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.data.members import SHELF
from sandbox.oauth.model import CLIENTS
from tests.unit.sandbox.oauth import Walk

Ask = Callable[[str, str], Awaitable[tuple[int, Any]]]
READ = "https://www.googleapis.com/auth/youtube.readonly"


@pytest.fixture
def ask(sandbox: SandboxClient, http: aiohttp.ClientSession) -> Ask:
    async def get(path: str, token: str) -> tuple[int, Any]:
        async with http.get(sandbox.url + path, headers={"Authorization": f"Bearer {token}"}) as response:
            return response.status, await response.json()

    return get


async def _token(sandbox: SandboxClient, http: aiohttp.ClientSession, provider: str, scope: str, who: str) -> str:
    await sandbox.consent(who)
    return str((await Walk(http, sandbox.url, provider).tokens(scope))["access_token"])


async def test_a_private_repository_needs_its_owners_token_and_the_scope(
    sandbox: SandboxClient, http: aiohttp.ClientSession, ask: Ask
) -> None:
    seen = {}
    for who, scope in (("mira", "user repo"), ("mira", "user"), ("juniper", "repo")):
        token = await _token(sandbox, http, "github", scope, who)
        seen[who, scope] = (await ask("/github/repos/mira-example/night-ferry", token))[0]
        assert (await ask("/github/repos/mira-example/paper-lanterns", token))[0] == 200
    assert seen == {("mira", "user repo"): 200, ("mira", "user"): 404, ("juniper", "repo"): 404}


async def test_own_repositories_can_be_narrowed_and_are_private_only_with_the_scope(
    sandbox: SandboxClient, http: aiohttp.ClientSession, ask: Ask
) -> None:
    full, public = [await _token(sandbox, http, "github", scope, "mira") for scope in ("repo", "user")]

    async def names(token: str, visibility: str) -> list[str]:
        _, listed = await ask(f"/github/user/repos?visibility={visibility}", token)
        return [repo["name"] for repo in listed]

    private = ["night-ferry", "unsent-letters"]
    assert await names(full, "private") == private
    assert await names(full, "all") == ["blank-canvas", "night-ferry", "paper-lanterns", "unsent-letters", "untitled"]
    assert await names(public, "all") == await names(full, "public")
    assert await names(public, "private") == []
    assert (await ask("/github/user/repos?visibility=hidden", full))[0] == 422


async def test_pages_keep_what_was_asked_for(sandbox: SandboxClient, http: aiohttp.ClientSession) -> None:
    token = await _token(sandbox, http, "github", "repo", "juniper")
    url: str | None = f"{sandbox.url}/github/user/repos?per_page=50&sort=pushed&visibility=public"
    pushed = []
    while url:
        async with http.get(url, headers={"Authorization": f"Bearer {token}"}) as response:
            listed = await response.json()
            pushed += [repo["pushed_at"] for repo in listed]
            assert not any(repo["private"] for repo in listed)
            url = str(response.links["next"]["url"]) if "next" in response.links else None
    assert len(pushed) == SHELF + 2
    assert pushed == sorted(pushed, reverse=True)


async def test_user_tells_by_its_scopes_and_its_header_names_the_widest(
    sandbox: SandboxClient, http: aiohttp.ClientSession, ask: Ask
) -> None:
    wide = await _token(sandbox, http, "github", "user user:email repo", "mira")
    narrow = await _token(sandbox, http, "github", "", "mira")
    async with http.get(f"{sandbox.url}/github/user", headers={"Authorization": f"token {wide}"}) as response:
        body = await response.json()
        assert response.headers["X-OAuth-Scopes"] == "user, repo"
    assert (body["login"], body["email"], body["owned_private_repos"]) == ("mira-example", "mira@example.com", 2)
    _, body = await ask("/github/user", narrow)
    assert (body["login"], body["email"], "owned_private_repos" in body) == ("mira-example", None, False)
    assert (await ask("/github/user/emails", wide))[1][0]["email"] == "mira@example.com"
    assert (await ask("/github/user/emails", narrow))[0] == 404


async def test_tokens_of_one_member_share_a_budget(
    sandbox: SandboxClient, http: aiohttp.ClientSession, ask: Ask
) -> None:
    await sandbox.limit("github", authenticated=2)
    tokens = [await _token(sandbox, http, "github", "", who) for who in ("mira", "mira", "juniper")]
    seen = [(await ask("/github/repos/load/1", token))[0] for token in (tokens[0], tokens[1], tokens[0], tokens[2])]
    assert seen == [200, 200, 403, 200]
    assert (await sandbox.spent("github"))["github mira"]["refused"] == 1


@pytest.mark.parametrize(("what", "survivor"), [("token", 200), ("grant", 401)])
async def test_the_application_can_take_back_a_token_or_all_of_them(
    sandbox: SandboxClient, http: aiohttp.ClientSession, ask: Ask, what: str, survivor: int
) -> None:
    first, second = [await _token(sandbox, http, "github", "", "mira") for _ in range(2)]
    client = CLIENTS["github"]
    url = f"{sandbox.url}/github/applications/{client.id}/{what}"
    basic = {"Authorization": aiohttp.encode_basic_auth(client.id, client.secret)}
    async with http.delete(url, json={"access_token": first}, headers={"Authorization": f"Bearer {first}"}) as response:
        assert response.status == 404
    async with http.delete(url, json={}, headers=basic) as response:
        assert response.status == 422
    async with http.delete(url, json={"access_token": first}, headers=basic) as response:
        assert response.status == 204
    async with http.delete(url, json={"access_token": first}, headers=basic) as response:
        assert response.status == 404
    assert (await ask("/github/user", first))[0] == 401
    assert (await ask("/github/user", second))[0] == survivor


async def test_youtube_takes_tokens_with_the_scope_and_shows_their_owner_what_is_private(
    sandbox: SandboxClient, http: aiohttp.ClientSession, ask: Ask
) -> None:
    video = "/youtube/v3/videos?part=id&id=sbxPrivate0"
    mine = await _token(sandbox, http, "google", f"openid {READ}", "mira")
    assert len((await ask(video, mine))[1]["items"]) == 1
    status, body = await ask("/youtube/v3/channels?part=snippet&mine=true", mine)
    assert (status, body["items"][0]["snippet"]["customUrl"]) == (200, "@tidewaterexample")
    others = await _token(sandbox, http, "google", READ, "hoshi")
    assert (await ask(video, others))[1]["items"] == []
    without = await _token(sandbox, http, "google", "openid", "mira")
    status, body = await ask(video, without)
    assert (status, body["error"]["errors"][0]["reason"]) == (403, "insufficientPermissions")
    await sandbox.expire_tokens()
    assert (await ask(video, mine))[0] == 401


async def test_tokens_and_the_key_share_the_projects_quota(
    sandbox: SandboxClient, http: aiohttp.ClientSession, ask: Ask
) -> None:
    await sandbox.limit("youtube", authenticated=2)
    video = "/youtube/v3/videos?part=id&id=sbxTidePool"
    tokens = [await _token(sandbox, http, "google", READ, who) for who in ("mira", "juniper")]
    assert [(await ask(video, token))[0] for token in tokens] == [200, 200]
    async with http.get(sandbox.url + video, params={"key": sandbox.environment["YOUTUBE_API_KEY"]}) as response:
        assert response.status == 403


async def test_a_github_token_is_nothing_to_youtube(
    sandbox: SandboxClient, http: aiohttp.ClientSession, ask: Ask
) -> None:
    token = await _token(sandbox, http, "github", "repo", "mira")
    assert (await ask("/youtube/v3/videos?part=id&id=sbxTidePool", token))[0] == 401
    token = await _token(sandbox, http, "google", READ, "mira")
    assert (await ask("/github/user", token))[0] == 401
