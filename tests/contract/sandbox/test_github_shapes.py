"""The sandbox's GitHub answers like GitHub: by its OpenAPI document, and by what it really said."""

import re

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.data.model import Repository
from sandbox.data.repositories import all_repositories
from sandbox.upstreams.github.errors import FAULTS
from tests.contract.sandbox.conftest import Recordings
from tests.contract.sandbox.official import complaints, of_openapi, of_openapi_response

SPEC = "specs/github-rest.trimmed.openapi.json"
TOKEN = {"Authorization": "Bearer ghp_sandbox"}
VISIBLE = [repo for repo in all_repositories() if not repo.private and not repo.blocked]
CONNECTION = {"date", "content-length", "content-encoding", "transfer-encoding"}  # between the two ends only
RECORDED_ERRORS = {
    "bad_credentials": "401.bad-credentials",
    "rate_limit": "403.rate-limit.anonymous",
    "secondary": "403.secondary-rate-limit.no-retry-after",
    "secondary_429": "429.secondary-rate-limit.retry-after-seconds",
    "secondary_429_date": "429.secondary-rate-limit.retry-after-date",
    "not_found": "404.repo",
    "empty": "409.commits-of-empty-repo",
    "blocked": "451.dmca",
}


@pytest.mark.parametrize(
    "headers", [{}, TOKEN, {"Authorization": "token sandbox-{owner}"}], ids=["anon", "token", "own"]
)
@pytest.mark.parametrize("rest", ["", "/readme", "/languages", "/topics"])
async def test_every_repository_fits_the_specification(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings, rest: str, headers: dict[str, str]
) -> None:
    validator = of_openapi_response(recordings.load(SPEC), f"/repos/{{owner}}/{{repo}}{rest}")
    for name in [*(repo.full_name for repo in VISIBLE), "load/0", "load/123456"]:
        sent = {key: value.format(owner=name.split("/")[0]) for key, value in headers.items()}
        async with http.get(f"{sandbox.environment['GITHUB_API_URL']}/repos/{name}{rest}", headers=sent) as response:
            if response.status == 404 and rest == "/readme":
                assert not complaints(of_openapi(recordings.load(SPEC), "basic-error"), await response.json())
                continue
            assert response.status == 200
            assert not complaints(validator, await response.json()), name


@pytest.mark.parametrize("path", ["/rate_limit", "/user", "/user/repos", "/users/mira-example/repos"])
async def test_other_resources_fit_the_specification(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings, path: str
) -> None:
    template = path.replace("mira-example", "{username}")
    validator = of_openapi_response(recordings.load(SPEC), template)
    headers = {"Authorization": "Bearer sandbox-mira-example"}
    async with http.get(sandbox.environment["GITHUB_API_URL"] + path, headers=headers) as response:
        assert response.status == 200
        assert not complaints(validator, await response.json())


async def test_repository_has_exactly_the_fields_of_a_recorded_one(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    _, _, recorded = recordings.exchange("github/repos/hub4j__github-api.http.json")
    url = f"{sandbox.environment['GITHUB_API_URL']}/repos/tidewater-example/tidewatch"
    async with http.get(url, headers=TOKEN) as response:
        body = await response.json()
    assert list(body) == list(recorded)
    assert set(body["owner"]) == set(recorded["owner"])
    assert set(body["license"]) == set(recorded["license"])
    for name in (key for key in recorded if key.endswith("_url") and recorded[key] and "{" in recorded[key]):
        assert body[name].partition("{")[2] == recorded[name].partition("{")[2]


async def test_anonymous_view_differs_as_the_recorded_one_does(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    _, headers, recorded = recordings.exchange("github/repos/octocat__Hello-World.http.json")
    async with http.get(f"{sandbox.environment['GITHUB_API_URL']}/repos/mira-example/untitled") as response:
        body = await response.json()
        assert set(headers) - CONNECTION - {"accept-ranges"} == {name.lower() for name in response.headers} - CONNECTION
    assert set(body) - set(recorded) == {"custom_properties"}  # newer than that recording
    assert set(recorded) <= set(body)


async def test_readme_has_exactly_the_fields_of_a_recorded_one(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    recorded = recordings.load("github/readmes/octocat__Hello-World.json")
    for name in ("tidewater-example/tidewatch", "quiet-example/oversized", "papertrail-example/empty-readme"):
        async with http.get(f"{sandbox.environment['GITHUB_API_URL']}/repos/{name}/readme") as response:
            assert list(await response.json()) == list(recorded)


async def test_headers_are_those_of_a_recorded_answer(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    _, recorded, _ = recordings.exchange("github/repos/hub4j__github-api.http.json")
    url = f"{sandbox.environment['GITHUB_API_URL']}/repos/tidewater-example/tidewatch"
    async with http.get(url, headers=TOKEN) as response:
        names = {name.lower() for name in response.headers}
        assert response.headers["Content-Type"] == recorded["content-type"]
    assert names - CONNECTION == set(recorded) - CONNECTION - {"github-authentication-token-expiration"}


async def test_commits_fit_the_specification_and_are_counted_as_recorded(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    _, headers, recorded = recordings.exchange("github/misc/commits.PyGithub.per_page2.http.json")
    url = f"{sandbox.environment['GITHUB_API_URL']}/repos/tidewater-example/tidewatch/commits?per_page=2"
    async with http.get(url, headers=TOKEN) as response:
        body = await response.json()
        assert not complaints(of_openapi_response(recordings.load(SPEC), "/repos/{owner}/{repo}/commits"), body)
        link = response.headers["Link"]
    assert [list(commit) for commit in body] == [list(commit) for commit in recorded]
    assert set(body[0]["commit"]) == set(recorded[0]["commit"])
    assert re.sub(r"<[^?]*|\d+", "", link) == re.sub(r"<[^?]*|\d+|sha=[^&]*&", "", headers["link"])


async def test_renamed_repository_redirects_as_recorded(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    status, _, recorded = recordings.exchange("github/errors/301.protoncoin.step1.http.json")
    api = sandbox.environment["GITHUB_API_URL"]
    async with http.get(f"{api}/repos/old-harbour-example/brass-compass", allow_redirects=False) as response:
        body = await response.json()
        assert response.status == status
        assert set(body) == set(recorded)
        assert response.headers["Location"] == body["url"] == f"{api}/repositories/700000006"


async def test_not_modified_as_recorded(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    status, recorded, _ = recordings.exchange("github/errors/304.not-modified.http.json")
    url = f"{sandbox.environment['GITHUB_API_URL']}/repos/tidewater-example/tidewatch"
    async with http.get(url, headers=TOKEN) as first:
        etag = first.headers["ETag"]
    async with http.get(url, headers=TOKEN | {"If-None-Match": etag}) as second:
        assert second.status == status
        assert await second.read() == b""
        assert set(recorded) - CONNECTION <= {name.lower() for name in second.headers}


async def test_no_user_agent_as_recorded(sandbox: SandboxClient, recordings: Recordings) -> None:
    status, headers, recorded = recordings.exchange("github/errors/403.no-user-agent.http.json")
    async with (
        aiohttp.ClientSession(skip_auto_headers=["User-Agent"]) as bare,
        bare.get(f"{sandbox.environment['GITHUB_API_URL']}/user") as response,
    ):
        assert response.status == status
        assert response.content_type == headers["content-type"]
        assert await response.json(content_type=None) == recorded


@pytest.mark.parametrize("kind", FAULTS)
async def test_error_is_shaped_as_recorded(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings, kind: str
) -> None:
    await sandbox.fault("github", kind)
    async with http.get(f"{sandbox.environment['GITHUB_API_URL']}/repos/tidewater-example/tidewatch") as response:
        if kind == "html":
            assert (response.status, response.content_type) == (503, "text/html")
            return
        body = await response.json()
        if kind != "blocked":
            assert not complaints(of_openapi(recordings.load(SPEC), "basic-error"), body)
        if kind in RECORDED_ERRORS:
            status, headers, recorded = recordings.exchange(f"github/errors/{RECORDED_ERRORS[kind]}.http.json")
            assert response.status == status
            assert set(recorded) <= set(body) <= set(recorded) | {"status", "documentation_url"}
            assert body["message"].split()[:4] == recorded["message"].split()[:4]
            for header in ("Retry-After", "X-RateLimit-Remaining"):
                if header.lower() in headers:
                    assert header in response.headers
            if kind in ("secondary", "rate_limit"):
                assert "Retry-After" not in response.headers


async def test_blocked_repository_and_private_one(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    api = sandbox.environment["GITHUB_API_URL"]
    hidden: dict[Repository, int] = {
        repo: 404 if repo.private else 451 for repo in all_repositories() if repo not in VISIBLE
    }
    hidden = {repo: status for repo, status in hidden.items() if repo.private or repo.blocked}
    assert set(hidden.values()) == {404, 451}
    for repo, status in hidden.items():
        async with http.get(f"{api}/repos/{repo.full_name}", headers=TOKEN) as response:
            assert response.status == status
