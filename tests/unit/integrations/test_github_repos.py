"""Lists of repositories: what is kept of them, and where the next page is."""

import json
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from integrations.credentials import Credentials
from integrations.github.repositories import GitHubRepositories
from integrations.registry import IntegrationSettings
from integrations.repositories import Page
from kit.errors import ImportProblem, RateLimitError, TokenRefusedError, UpstreamUnavailableError
from tests.recordings import ROOT, needs_recordings
from tests.unit.integrations.answers import World, reply, repository

LISTS = ROOT / "github/lists"
MEMBER = Credentials(SecretStr("member-token"), "583231", "ada")
NEXT = "https://api.github.com/user/583231/repos?per_page=100&page=2"


async def page(answer: httpx2.Response, *, private: bool = True) -> Page:
    world = World({"/user/repos": answer})
    return await GitHubRepositories(IntegrationSettings()).page(world.http, MEMBER, private=private)


def linked(url: str) -> httpx2.Response:
    return reply(200, [repository()], {"link": f'<{url}>; rel="next", <{NEXT}>; rel="last"'})


async def test_the_next_page_is_where_the_upstream_says() -> None:
    world = World({"/user/repos": linked(NEXT), "/user/583231/repos": reply(200, [repository("a/last")])})
    repositories = GitHubRepositories(IntegrationSettings())
    first = await repositories.page(world.http, MEMBER, private=True)
    assert first.next
    last = await repositories.page(world.http, MEMBER, first.next, private=True)
    assert ([one.full_name for one in last.repositories], last.next) == (["a/last"], None)
    assert str(world.requests[-1].url) == NEXT
    assert {request.headers["authorization"] for request in world.requests} == {"Bearer member-token"}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/user/repos?page=2",
        "https://api.github.com.evil.test/user/repos?page=2",
        "https://api.github.com@evil.test/user/repos?page=2",
        "https://api.github.com/user/emails?page=2",
        "https://api.github.com/user/repos/../emails?page=2",
        "https://api.github.com/user/repos?page=2#x",
        "//evil.test/user/repos?page=2",
    ],
)
async def test_a_next_page_elsewhere_makes_no_sense(url: str) -> None:
    with pytest.raises(UpstreamUnavailableError):
        await page(linked(url))


async def test_what_cannot_be_read_is_left_out_with_its_reason() -> None:
    odd: list[Any] = [None, "x", {}, {"full_name": 7}, {"full_name": "one"}, {"full_name": "a/../b"}, repository()]
    found = await page(reply(200, odd))
    assert [one.url for one in found.repositories] == ["https://github.com/octocat/hello-world"]
    assert [one.full_name for one in found.skipped] == ["", "", "", "", "one", "a/../b"]
    assert {one.reason for one in found.skipped} == {"GitHub's answer about this repository cannot be read."}


async def test_private_ones_are_left_out_where_they_were_not_granted() -> None:
    answer = reply(200, [repository("a/open"), repository("a/closed", private=True), repository("x", private=True)])
    found = await page(answer, private=False)
    assert ([one.full_name for one in found.repositories], found.skipped) == (["a/open"], ())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(401, {"message": "Bad credentials"}), TokenRefusedError),
        (reply(429, {}, {"retry-after": "60"}), RateLimitError),
        (reply(200, {"message": "x"}), UpstreamUnavailableError),
        (reply(200, b"<html>"), UpstreamUnavailableError),
        (reply(418, {}), UpstreamUnavailableError),
    ],
)
async def test_refusals_are_typed(answer: httpx2.Response, kind: type[ImportProblem]) -> None:
    with pytest.raises(kind):
        await page(answer)


@needs_recordings
async def test_recorded_lists_are_read_to_the_end() -> None:
    for file in sorted(LISTS.glob("*.http.json")):
        recorded = json.loads(file.read_text())["response"]
        headers = {name: value for name, value in recorded["headers"].items() if name.lower() == "link"}
        read = await page(reply(recorded["status"], recorded["body"], headers))
        assert len(read.repositories) == len(recorded["body"]), file.name
        assert (read.next is not None) == ('rel="next"' in headers.get("Link", "")), file.name
