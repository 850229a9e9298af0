import base64

import aiohttp
import pytest
from yarl import URL

from sandbox.client import SandboxClient
from sandbox.data.oddities import MEBIBYTE


async def _readme(http: aiohttp.ClientSession, github: str, name: str) -> tuple[dict[str, object], bytes]:
    async with http.get(f"{github}/repos/{name}/readme") as response:
        body = await response.json()
    return body, base64.b64decode(body["content"])


async def test_renamed_repository_is_found_by_following_the_redirect(http: aiohttp.ClientSession, github: str) -> None:
    for rest in ("", "/readme", "/languages"):
        async with http.get(f"{github}/repos/old-harbour-example/brass-compass{rest}") as response:
            assert response.status == 200
            assert response.history[0].status == 301
            assert str(response.url) == f"{github}/repositories/700000006{rest}"


async def test_names_are_case_insensitive_and_shown_as_their_owner_wrote_them(
    http: aiohttp.ClientSession, github: str
) -> None:
    async with http.get(f"{github}/repos/KESTREL-example/dotted.name.JS") as response:
        assert (await response.json())["full_name"] == "kestrel-example/Dotted.Name.js"


async def test_private_repository_exists_only_for_its_owner(http: aiohttp.ClientSession, github: str) -> None:
    seen = {}
    for token in ("", "ghp_stranger", "sandbox-kestrel-example", "revoked-kestrel-example"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with http.get(f"{github}/repos/kestrel-example/vault", headers=headers) as response:
            seen[token] = response.status
    assert seen == {"": 404, "ghp_stranger": 404, "sandbox-kestrel-example": 200, "revoked-kestrel-example": 401}


async def test_readmes_keep_their_bytes(http: aiohttp.ClientSession, github: str) -> None:
    _, latin = await _readme(http, github, "nordlys-example/marees")
    assert "transcrits à la main" in latin.decode("latin-1")
    with pytest.raises(UnicodeDecodeError):
        latin.decode()
    _, utf16 = await _readme(http, github, "nordlys-example/utf16-notes")
    assert utf16.decode("utf-16").startswith("# Notes in UTF-16")
    body, whole = await _readme(http, github, "quiet-example/mebibyte")
    assert (body["encoding"], body["size"], len(whole)) == ("base64", MEBIBYTE, MEBIBYTE)
    body, left_out = await _readme(http, github, "quiet-example/oversized")
    assert (body["encoding"], left_out) == ("none", b"")


async def test_raw_media_type_gives_a_large_readme_as_it_is(http: aiohttp.ClientSession, github: str) -> None:
    headers = {"Accept": "application/vnd.github.raw+json"}
    async with http.get(f"{github}/repos/quiet-example/oversized/readme", headers=headers) as response:
        assert response.content_type == "application/vnd.github.raw"
        assert len(await response.read()) == MEBIBYTE * 3 // 2


async def test_etag_differs_from_token_to_token_and_from_content_to_content(
    sandbox: SandboxClient, http: aiohttp.ClientSession, github: str
) -> None:
    url = f"{github}/repos/tidewater-example/tidewatch"

    async def ask(token: str, etag: str = "") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}", "If-None-Match": etag}
        async with http.get(url, headers=headers) as response:
            return response.status, response.headers["ETag"]

    _, etag = await ask("one")
    assert await ask("one", etag) == (304, etag)
    assert (await ask("two", etag))[0] == 200
    await sandbox.change_repository("tidewater-example/tidewatch", stars=1)
    assert (await ask("one", etag))[0] == 200


async def test_anonymous_limit_ends_in_403_with_the_real_headers_and_not_modified_is_free_with_a_token(
    sandbox: SandboxClient, http: aiohttp.ClientSession, github: str
) -> None:
    await sandbox.limit("github", anonymous=2, authenticated=2)
    url = f"{github}/repos/tidewater-example/tidewatch"
    for remaining in ("1", "0"):
        async with http.get(url) as response:
            assert (response.status, response.headers["X-RateLimit-Remaining"]) == (200, remaining)
    async with http.get(url) as response:
        assert (response.status, response.headers["X-RateLimit-Remaining"]) == (403, "0")
        assert int(response.headers["X-RateLimit-Reset"]) > 0
        assert "API rate limit exceeded for 127.0.0.1" in (await response.json())["message"]
    token = {"Authorization": "Bearer one"}
    async with http.get(url, headers=token) as response:
        etag = response.headers["ETag"]
    for _ in range(5):
        async with http.get(url, headers=token | {"If-None-Match": etag}) as response:
            assert (response.status, response.headers["X-RateLimit-Remaining"]) == (304, "1")
    async with http.get(f"{github}/rate_limit", headers=token) as response:
        assert (await response.json())["rate"]["used"] == 1


async def test_lists_lead_from_page_to_page_by_their_link_header(http: aiohttp.ClientSession, github: str) -> None:
    url: str | None = f"{github}/orgs/kestrel-example/repos?per_page=2"
    names = []
    while url:
        async with http.get(url) as response:
            names += [repo["name"] for repo in await response.json()]
            url = str(response.links["next"]["url"]) if "next" in response.links else None
    assert sorted(names) == ["Dotted.Name.js", "atlas-monorepo", "kestrel-queue"]


async def test_load_family_has_no_end_and_no_surprises(http: aiohttp.ClientSession, github: str) -> None:
    for name, status in (("load/0", 200), ("load/99999999", 200), ("load/007", 404), ("load/x", 404), ("load/-1", 404)):
        async with http.get(f"{github}/repos/{name}") as response:
            assert response.status == status, name
    async with http.get(f"{github}/repositories/800000042") as response:
        assert (await response.json())["full_name"] == "load/42"


async def test_last_page_of_single_commits_counts_them(
    sandbox: SandboxClient, http: aiohttp.ClientSession, github: str
) -> None:
    async def last(name: str) -> tuple[int, str | None, str]:
        async with http.get(f"{github}/repos/{name}/commits?per_page=1") as response:
            (commit,) = await response.json()
            page = URL(response.links["last"]["url"]).query["page"] if "last" in response.links else None
            return response.status, page, commit["commit"]["committer"]["date"]

    name = "tidewater-example/tidewatch"
    assert await last(name) == (200, "42", "2026-09-28T07:41:30Z")
    await sandbox.change_repository(name, readme="# New")
    assert (await last(name))[1] == "43"
    await sandbox.change_repository(name, commits=1)
    assert (await last(name))[1] is None
    async with http.get(f"{github}/repos/mira-example/blank-canvas/commits?per_page=1") as response:
        assert response.status == 409


async def test_commits_lead_back_to_the_first_one(
    sandbox: SandboxClient, http: aiohttp.ClientSession, github: str
) -> None:
    await sandbox.change_repository("load/7", commits=5)
    url: str | None = f"{github}/repos/load/7/commits?per_page=2"
    commits = []
    while url:
        async with http.get(url) as response:
            commits += await response.json()
            url = str(response.links["next"]["url"]) if "next" in response.links else None
    parents = [[one["sha"] for one in commit["parents"]] for commit in commits]
    assert parents == [[commit["sha"]] for commit in commits[1:]] + [[]]


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/repos/mira-example/paper-lanterns/commits?per_page=1", ""),
        ("/repos/mira-example/paper-lanterns/readme", "application/vnd.github.raw+json"),
        ("/repos/mira-example/paper-lanterns/readme", ""),
        ("/repos/mira-example/paper-lanterns/languages", ""),
        ("/users/mira-example/repos", ""),
        ("/repositories/700000002", ""),
    ],
)
async def test_everything_that_is_followed_can_be_asked_for_conditionally(
    sandbox: SandboxClient, http: aiohttp.ClientSession, github: str, path: str, accept: str
) -> None:
    token = {"Authorization": "Bearer one"} | ({"Accept": accept} if accept else {})
    async with http.get(github + path, headers=token) as response:
        etag = response.headers["ETag"]
    async with http.get(github + path, headers=token | {"If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    assert (await sandbox.spent("github"))["one"]["used"] == 1
    await sandbox.change_repository("mira-example/paper-lanterns", readme="# New", languages={"Elm": 1})
    async with http.get(github + path, headers=token | {"If-None-Match": etag}) as response:
        assert response.status == 200


async def test_repository_that_comes_after_a_deleted_one_is_another(
    sandbox: SandboxClient, http: aiohttp.ClientSession, github: str
) -> None:
    ids = []
    for _ in range(2):
        await sandbox.change_repository("mira-example/brand-new", readme=None)
        async with http.get(f"{github}/repos/mira-example/brand-new") as response:
            ids.append((await response.json())["id"])
        await sandbox.delete_repository("mira-example/brand-new")
    assert ids[0] != ids[1]
