"""GitHub: requests, mapping, and what each refusal means."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from integrations.credentials import Credentials
from integrations.github.client import HTML, RAW
from kit.errors import (
    ContentBlockedError,
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    Outcome,
    RateLimitError,
    TokenRefusedError,
    UpstreamUnavailableError,
)
from schemas.content import MAX_TEXT_CHARS, Item
from tests.unit.integrations.answers import NOW, World, reply, repository

REPO = "/repos/octocat/hello-world"
MEMBER = Credentials(SecretStr("member-token"))


def readme(content: bytes, path: str = "README.md", **changes: Any) -> httpx2.Response:
    encoded = base64.encodebytes(content).decode()
    return reply(body={"path": path, "encoding": "base64", "size": len(content), "content": encoded, **changes})


async def fetch(world: World, credentials: Credentials = MEMBER, url: str = "github.com/octocat/Hello-World") -> Item:
    return await world.fetch(url, credentials)


async def refusal(world: World, credentials: Credentials = MEMBER) -> ImportProblem:
    with pytest.raises(ImportProblem) as caught:
        await fetch(world, credentials)
    return caught.value


async def test_a_repository_becomes_an_item() -> None:
    repo = repository(
        description="  My first\nrepository  ", language="Ruby", topics=["api", "octocat", "api"], stargazers_count=80,
        forks_count=9, license={"spdx_id": "MIT", "name": "MIT License"}, pushed_at="2011-01-26T19:06:43Z",
        archived=True, fork=False,
    )  # fmt: skip
    languages = reply(body={"Shell": 5, "Ruby": 900})
    world = World({REPO: reply(body=repo), f"{REPO}/readme": readme(b"# Hi\n"), f"{REPO}/languages": languages})
    item = await fetch(world)
    assert item.url == "https://github.com/octocat/hello-world"
    assert (item.kind, item.external_id, item.title) == ("github_repo", "1296269", "Hello-World")
    assert (item.full_name, item.description, item.text) == ("Octocat/Hello-World", "My first repository", "# Hi\n")
    assert (item.language, item.languages, item.topics) == ("Ruby", ("Ruby", "Shell"), ("api", "octocat"))
    assert item.image_url == "https://opengraph.githubassets.com/1/Octocat/Hello-World"
    assert item.metadata == {
        "stars": 80, "forks": 9, "language": "Ruby", "topics": ("api", "octocat"), "license": "MIT",
        "pushed_at": "2011-01-26T19:06:43Z", "archived": True, "fork": False, "default_branch": "main",
        "repo_id": 1296269, "html_url": "https://github.com/Octocat/Hello-World",
    }  # fmt: skip
    assert len(world.requests) == 3


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("https://github.com/OctoCat/hello-WORLD", "https://github.com/OctoCat/hello-WORLD"),
        (None, "https://github.com/Octocat/Hello-World"),
        ("https://github.com/octocat/another", "https://github.com/Octocat/Hello-World"),
        ("https://evil.tld/octocat/hello-world", "https://github.com/Octocat/Hello-World"),
        ("javascript:alert(1)", "https://github.com/Octocat/Hello-World"),
    ],
)
async def test_its_page_is_spelt_as_github_spells_it(told: str | None, shown: str) -> None:
    item = await fetch(World({REPO: reply(body=repository(html_url=told))}))
    assert (item.url, item.external_url) == ("https://github.com/octocat/hello-world", shown)


@pytest.mark.parametrize("branch", [{}, {"default_branch": None}, {"default_branch": ""}])
async def test_an_old_or_empty_repository_without_todays_fields_is_accepted(branch: dict[str, Any]) -> None:
    item = await fetch(World({REPO: reply(body={"id": 7, "full_name": "octocat/Hello-World", **branch})}))
    assert (item.text, item.languages, item.topics, item.language) == ("", (), (), None)
    assert item.metadata["default_branch"] == "HEAD"


@pytest.mark.parametrize("body", [[], {}, {"id": 7}, {"id": "x", "full_name": "a/b"}, {"id": 1, "full_name": "../.."}])
async def test_what_is_no_repository_makes_no_sense(body: Any) -> None:
    assert isinstance(await refusal(World({REPO: reply(body=body)})), UpstreamUnavailableError)


async def test_a_hostile_repository_stays_within_bounds() -> None:
    repo = repository(
        description="d\ud800\x00" * 10_000, language="l" * 100, topics=["t" * 99, "", None, 3, *map(str, range(99))],
        license="MIT", stargazers_count=10**30, forks_count=True, default_branch=["main"], pushed_at={},
    )  # fmt: skip
    shares = reply(body={f"language {n}": n for n in range(200)})
    item = await fetch(World({REPO: reply(body=repo), f"{REPO}/languages": shares}))
    assert len(item.description) <= 5_000
    assert "\x00" not in item.description
    assert (item.metadata["stars"], item.metadata["forks"], item.metadata["license"]) == (None, None, None)
    assert (len(item.languages), item.languages[0], len(item.topics)) == (50, "language 199", 50)
    item.model_dump_json().encode()  # no lone surrogates


# README


async def text_of(content: bytes, path: str = "README.md", **changes: Any) -> str:
    answers = {REPO: reply(body=repository()), f"{REPO}/readme": readme(content, path, **changes)}
    return (await fetch(World(answers))).text


async def test_a_readme_has_absolute_links() -> None:
    text = await text_of(b"[a](docs/a.md) ![b](b.png)", "docs/README.md")
    assert "(https://github.com/Octocat/Hello-World/blob/main/docs/docs/a.md)" in text
    assert "(https://github.com/Octocat/Hello-World/raw/main/docs/b.png)" in text


async def test_a_readme_too_big_for_json_is_fetched_raw_and_cut() -> None:
    big = "é".encode() * 1_048_576
    answers = {
        REPO: reply(body=repository()),
        f"{REPO}/readme": reply(body={"path": "README.md", "encoding": "none", "size": len(big), "content": ""}),
        f"{REPO}/readme {RAW}": reply(body=big),
    }
    assert (await fetch(World(answers))).text == "é" * (1_048_576 // 2)


async def test_a_readme_of_one_mebibyte_passes_whole() -> None:
    assert await text_of(b"a" * MAX_TEXT_CHARS) == "a" * MAX_TEXT_CHARS


@pytest.mark.parametrize(
    ("path", "text_format"),
    [
        ("README", "plain"), ("README.txt", "plain"), ("readme.Markdown", "markdown"), ("docs/README.rst", "rst"),
        ("README.adoc", "asciidoc"), ("README.org", "org"), ("README.wiki", "mediawiki"), ("README.xyz", "plain"),
    ],
)  # fmt: skip
async def test_what_a_readme_is_written_in_is_told_by_its_name(path: str, text_format: str) -> None:
    answers = {REPO: reply(body=repository()), f"{REPO}/readme": readme(b"words", path)}
    item = await fetch(World(answers))
    assert (item.text, item.text_format) == ("words", text_format)


PAGE = b"""<div id="readme" class="rst" data-path="docs/README.rst"><article class="markdown-body" itemprop="text">
<h1>Lantern</h1><p onclick="x()"><a href="guide.rst">Guide</a> <a href="/Octocat/Hello-World/issues/1">1</a>
<img src="img/oak.png"> <a href="#usage">u</a><a id="user-content-usage" href="#usage"></a></p>
<table><tr><td>gather</td></tr></table></article></div>"""


async def test_a_readme_in_another_markup_keeps_its_source_and_is_rendered_by_github() -> None:
    source = b"Lantern\n=======\n\n.. list-table::\n\n   * - gather\n"
    world = World({
        REPO: reply(body=repository()),
        f"{REPO}/readme": readme(source, "docs/README.rst"),
        f"{REPO}/readme {HTML}": reply(body=PAGE),
    })  # fmt: skip
    item = await fetch(world)
    assert item.text == source.decode()
    assert item.text_html is not None
    assert 'href="https://github.com/Octocat/Hello-World/blob/main/docs/guide.rst"' in item.text_html
    assert 'href="https://github.com/Octocat/Hello-World/issues/1"' in item.text_html
    assert 'src="https://github.com/Octocat/Hello-World/raw/main/docs/img/oak.png"' in item.text_html
    assert 'href="#user-content-usage"' in item.text_html
    assert "<td>gather</td>" in item.text_html
    assert "onclick" not in item.text_html
    assert len(world.requests) == 4


async def test_pictures_of_a_rendered_readme_are_where_github_found_them() -> None:
    """In the folder that its `:imagesdir:` names; one from elsewhere has its own address, and not that of a proxy."""
    page = (
        b'<img src="art/boats/keel.png"><p>A caption below.</p><img src="https://camo.githubusercontent.com/1/2" '
        b'data-canonical-src="https://w.example/oar.png">'
    )
    world = World({
        REPO: reply(body=repository()),
        f"{REPO}/readme": readme(b":imagesdir: art/boats\n\nimage::keel.png[]\n", "README.adoc"),
        f"{REPO}/readme {HTML}": reply(body=page),
    })  # fmt: skip
    assert (await fetch(world)).text_html == (
        '<img src="https://github.com/Octocat/Hello-World/raw/main/art/boats/keel.png"><p>A caption below.</p>'
        '<img src="https://w.example/oar.png">'
    )


@pytest.mark.parametrize("answer", [reply(404, {}), reply(422, {}), reply(502, b"<html>"), reply(200, b"")])
async def test_a_readme_that_github_does_not_render_is_imported_as_it_is_written(answer: httpx2.Response) -> None:
    world = World({
        REPO: reply(body=repository()), f"{REPO}/readme": readme(b"= Lantern", "README.adoc"),
        f"{REPO}/readme {HTML}": answer,
    })  # fmt: skip
    item = await fetch(world)
    assert (item.text, item.text_format, item.text_html) == ("= Lantern", "asciidoc", None)


async def test_a_limit_that_is_met_while_rendering_is_waited_for() -> None:
    world = World({
        REPO: reply(body=repository()), f"{REPO}/readme": readme(b"= Lantern", "README.adoc"),
        f"{REPO}/readme {HTML}": reply(403, {}, LIMITED),
    })  # fmt: skip
    assert isinstance(await refusal(world), RateLimitError)


@pytest.mark.parametrize("path", ["README.md", "README"])
async def test_markdown_and_plain_text_cost_no_further_request(path: str) -> None:
    world = World({REPO: reply(body=repository()), f"{REPO}/readme": readme(b"words", path)})
    await fetch(world)
    assert len(world.requests) == 3


async def test_plain_text_keeps_its_columns() -> None:
    text = "LANTERN\n\n    def light(wick):\n\treturn wick\n\n  +-----+----+\n  | oak |  7 |\n"
    assert await text_of(text.encode(), "README") == text


async def test_a_readme_grows_to_no_more_bytes_than_an_event_can_carry() -> None:
    text = await text_of(b"\x80\xe6" * 500_000)
    assert len(text.encode()) <= 1_048_576


async def test_pictures_go_by_the_address_that_serves_large_files_too() -> None:
    text = await text_of(b'![a](art/oak.png) <img src="/art/leaf.png"> ![b](https://github.com/o/r/blob/main/c.png)')
    assert text == (
        "![a](https://github.com/Octocat/Hello-World/raw/main/art/oak.png) "
        '<img src="https://github.com/Octocat/Hello-World/raw/main/art/leaf.png"> '
        "![b](https://github.com/o/r/raw/main/c.png)"
    )


async def test_a_branch_may_have_a_slash() -> None:
    repo = repository(default_branch="release/2.x")
    answers = {REPO: reply(body=repo), f"{REPO}/readme": readme(b"[a](docs/a.md) ![b](b.png)")}
    assert (await fetch(World(answers))).text == (
        "[a](https://github.com/Octocat/Hello-World/blob/release/2.x/docs/a.md) "
        "![b](https://github.com/Octocat/Hello-World/raw/release/2.x/b.png)"
    )


async def test_an_unreadable_readme_is_the_upstreams_fault() -> None:
    answers = {REPO: reply(body=repository()), f"{REPO}/readme": reply(body={"content": "a", "encoding": "base64"})}
    assert isinstance(await refusal(World(answers)), UpstreamUnavailableError)


async def test_an_empty_repository_has_no_readme() -> None:
    answers = {REPO: reply(body=repository()), f"{REPO}/readme": reply(409, {"message": "Git Repository is empty."})}
    assert (await fetch(World(answers))).text == ""


# Identity and access


async def test_a_renamed_repository_ends_on_its_new_url() -> None:
    moved = {"Location": "https://api.github.com/repositories/7"}
    answers = {
        REPO: reply(301, {}, moved),
        "/repositories/7": reply(body=repository("NewOwner/New-Name")),
        f"{REPO}/readme": reply(301, {}, {"Location": "https://api.github.com/repositories/7/readme"}),
        "/repositories/7/readme": readme(b"[x](y)"),
    }
    item = await fetch(World(answers))
    assert item.url == "https://github.com/newowner/new-name"
    assert item.text == "[x](https://github.com/NewOwner/New-Name/blob/main/y)"


@pytest.mark.parametrize(
    ("settings", "credentials", "header"),
    [
        ({}, Credentials(), None),
        ({"github_token": "app"}, Credentials(), "Bearer app"),
        ({"github_token": "app"}, MEMBER, "Bearer member-token"),
        ({"github_client_id": "id", "github_client_secret": "s"}, Credentials(), "Basic aWQ6cw=="),
        ({"github_client_id": "id"}, Credentials(), None),
    ],
)
async def test_the_members_token_then_the_applications(
    settings: dict[str, str], credentials: Credentials, header: str | None
) -> None:
    world = World({REPO: reply(body=repository())}, settings=settings)
    await fetch(world, credentials)
    assert {request.headers.get("authorization") for request in world.requests} == {header}


async def test_a_private_repository_needs_the_members_own_token() -> None:
    answers = {REPO: reply(body=repository(private=True))}
    assert (await fetch(World(answers))).is_private
    error = await refusal(World(answers, settings={"github_token": "app"}), Credentials())
    assert isinstance(error, ContentNotFoundError)
    assert "connect GitHub" in error.suggestion


# Refusals


LIMITED = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int((NOW + timedelta(minutes=25)).timestamp()))}


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("headers", "message", "wait"),
    [
        ({**LIMITED, "retry-after": "90"}, "x", 90),
        (LIMITED, "API rate limit exceeded", 25 * 60),
        ({"x-ratelimit-remaining": "0"}, "API Rate Limit Exceeded", 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, "in the past", 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 15}, "nonsense", 60),
        ({"x-ratelimit-remaining": "21"}, "You have exceeded a secondary rate limit.", 60),
        ({}, "You have triggered an abuse detection mechanism.", 60),
        ({"retry-after": "Sun, 01 Mar 2026 12:03:00 GMT"}, "x", 180),
    ],
)
async def test_a_limit_says_until_when(status: int, headers: dict[str, str], message: str, wait: int) -> None:
    error = await refusal(World({REPO: reply(status, {"message": message}, headers)}))
    assert isinstance(error, RateLimitError)
    assert error.retry_at == NOW + timedelta(seconds=wait)
    assert error.outcome is Outcome.DEFER


async def test_a_limit_is_told_in_words() -> None:
    error = await refusal(World({REPO: reply(403, {}, LIMITED)}))
    assert error.error == "GitHub's limit resets at 12:25 UTC."
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 300)}
    late = World({REPO: reply(403, {}, reset)}, now=datetime(2026, 3, 1, 12, 4, 30, tzinfo=UTC))
    assert (await refusal(late)).error == "GitHub's limit resets at 12:05 UTC."


@pytest.mark.parametrize(
    ("answer", "kind", "action"),
    [
        (reply(401, {"message": "Bad credentials"}), TokenRefusedError, "connect_github"),
        (reply(403, {"message": "Resource not accessible"}), IntegrationAuthError, "connect_github"),
        (reply(403, b"<html>"), IntegrationAuthError, "connect_github"),
        (reply(403, {}, {"x-github-sso": "required; url=https://x"}), IntegrationAuthError, "connect_github"),
        (reply(404, {"message": "Not Found"}), ContentNotFoundError, "check_url"),
        (reply(451, {"message": "Repository access blocked"}), ContentBlockedError, "check_url"),
        (reply(503, b"<html>"), UpstreamUnavailableError, "retry_later"),
        (reply(200, b"<html>"), UpstreamUnavailableError, "retry_later"),
        (reply(304, b""), UpstreamUnavailableError, "retry_later"),
        (reply(418, {}), UpstreamUnavailableError, "retry_later"),
        (reply(301, {}, {"location": "https://evil.tld/"}), UpstreamUnavailableError, "retry_later"),
    ],
)
async def test_refusals(answer: httpx2.Response, kind: type[ImportProblem], action: str) -> None:
    error = await refusal(World({REPO: answer}))
    assert type(error) is kind
    assert error.action == action


async def test_a_failing_readme_fails_the_import_with_its_own_error() -> None:
    answers = {REPO: reply(body=repository()), f"{REPO}/readme": reply(403, {}, LIMITED)}
    assert isinstance(await refusal(World(answers)), RateLimitError)
