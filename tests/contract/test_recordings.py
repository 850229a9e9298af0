"""What the upstreams really answered, played back through `fetch`: a valid Item or the right typed error, each.

`GITHUB` and `YOUTUBE` say of every recording how it is played; one that they do not name fails. Answers that no
import ever asks for (releases, users, channels, push bodies) are played in the place of the answer that it does ask
for: they must be refused as something else, in typed form, and never half-mapped.
"""

import json
import re
from collections.abc import Awaitable, Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from selectolax.lexbor import LexborHTMLParser

from integrations.credentials import Credentials
from kit.errors import (
    ContentBlockedError,
    ContentNotFoundError,
    CredentialRefusedError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    TokenRefusedError,
    UpstreamUnavailableError,
)
from kit.text.render import render
from schemas.content import Item
from tests.recordings import ROOT, needs_recordings
from tests.unit.integrations.answers import Json, World, reply, repository

pytestmark = needs_recordings

MEMBER = Credentials(SecretStr("member-token"))
TRANSPORT_HEADERS = {"content-length", "content-encoding", "transfer-encoding", "connection"}
Play = Callable[[Path], Awaitable[None]]
Refusal = type[ImportProblem]


def body_of(file: Path) -> Any:
    """The body of a recording, whichever form it has."""
    recorded = json.loads(file.read_bytes())
    return recorded["response"]["body"] if file.name.endswith(".http.json") else recorded


def exchange(file: Path) -> httpx2.Response:
    """A recorded exchange as an answer, without the headers that only held for its own journey."""
    response = json.loads(file.read_bytes())["response"]
    headers = {name: value for name, value in response["headers"].items() if name.lower() not in TRANSPORT_HEADERS}
    text = response.get("body_text")
    return reply(response["status"], text.encode() if text is not None else response["body"], headers)


def answer(file: Path) -> httpx2.Response:
    if file.suffix == ".xml":
        return reply(body=file.read_bytes())
    return exchange(file) if file.name.endswith(".http.json") else reply(body=json.loads(file.read_bytes()))


# --- GitHub -------------------------------------------------------------------------------------------------------


PARTS = ("", "/readme", "/languages")


async def github(answers: dict[str, httpx2.Response], full_name: str, credentials: Credentials = MEMBER) -> Item:
    """`answers` by the part of the repository that they answer, or by whole path."""
    path = f"/repos/{full_name}".lower()
    world = World({path + part if part in PARTS else part: response for part, response in answers.items()})
    return await world.fetch(f"https://github.com/{full_name}", credentials)


async def github_refuses(file: Path, kind: Refusal) -> None:
    with pytest.raises(ImportProblem) as caught:
        await github({"": answer(file)}, "octocat/Hello-World")
    assert type(caught.value) is kind
    assert "<" not in str(caught.value.body())


def check_repository(item: Item, repo: Json) -> None:
    assert item.full_name == repo["full_name"]
    assert item.url == f"https://github.com/{repo['full_name'].lower()}"
    assert item.is_private is repo["private"]
    assert item.metadata["stars"] == repo.get("stargazers_count", repo["watchers"])
    assert item.metadata["pushed_at"] == repo["pushed_at"]
    assert item.image_url == f"https://opengraph.githubassets.com/1/{repo['full_name']}"


async def a_repository(file: Path) -> None:
    """With the README that was recorded beside it, where there is one."""
    repo = body_of(file)
    answers = {"": answer(file)}
    readme = ROOT / "github" / "readmes" / f"{repo['full_name'].replace('/', '__')}.json"
    if readme.exists():
        answers["/readme"] = answer(readme)
    item = await github(answers, repo["full_name"])
    check_repository(item, repo)
    assert bool(item.text) is readme.exists()


async def a_private_repository(file: Path) -> None:
    """For the member whose token sees it; not for everybody whom the application's token would show it to."""
    await a_repository(file)
    with pytest.raises(ContentNotFoundError):
        await github({"": answer(file)}, body_of(file)["full_name"], Credentials())


async def repositories(file: Path) -> None:
    for repo in body_of(file):
        check_repository(await github({"": reply(body=repo)}, repo["full_name"]), repo)


async def a_readme(file: Path) -> None:
    item = await github({"": reply(body=repository()), "/readme": answer(file)}, "octocat/hello-world")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", item.text)
    for node in LexborHTMLParser(render(item.text, item.text_format)).css("[href], [src], [srcset]"):
        for name in ("href", "src", "srcset"):
            target = node.attributes.get(name) or "#"
            assert re.match(r"https?://|mailto:|#", target), target


def a_readme_with(*expected: str) -> Play:
    async def play(file: Path) -> None:
        await a_readme(file)
        item = await github({"": reply(body=repository()), "/readme": answer(file)}, "octocat/hello-world")
        assert item.text.strip()
        assert all(part in item.text for part in expected)

    return play


async def no_readme(file: Path) -> None:
    item = await github({"": reply(body=repository()), "/readme": answer(file)}, "octocat/hello-world")
    assert item.text == ""


async def a_readme_too_big_for_json(file: Path) -> None:
    world = World({
        "/repos/octocat/hello-world": reply(body=repository()),
        "/repos/octocat/hello-world/readme": answer(file),
        "/repos/octocat/hello-world/readme application/vnd.github.raw+json": reply(body=b"x" * 1_572_864),
    })  # fmt: skip
    item = await world.fetch("github.com/octocat/Hello-World", MEMBER)
    assert len(item.text) == 1_048_576


async def languages(file: Path) -> None:
    shares = body_of(file)
    item = await github({"": reply(body=repository()), "/languages": answer(file)}, "octocat/hello-world")
    assert item.languages == tuple(sorted(shares, key=lambda name: -shares[name]))


async def topics(file: Path) -> None:
    names = body_of(file)["names"]
    item = await github({"": reply(body=repository(topics=names))}, "octocat/hello-world")
    assert item.topics == tuple(names)


async def a_rename(file: Path) -> None:
    target = exchange(file.with_name("301.protoncoin.step2.http.json"))
    item = await github({"": exchange(file), "/repositories/112116543": target}, "protoncoin/protoncoin")
    assert item.url == "https://github.com/padima2/protoncoin"


def refused(kind: Refusal) -> Play:
    async def play(file: Path) -> None:
        await github_refuses(file, kind)

    return play


not_a_repository = refused(UpstreamUnavailableError)

# The first pattern that fits decides.
GITHUB: dict[str, Play] = {
    "repos/private/*": a_private_repository,
    "repos/*": a_repository,
    "readmes/*.404.http.json": no_readme,
    "readmes/special/empty.json": no_readme,
    "readmes/special/too-big.encoding-none.json": a_readme_too_big_for_json,
    "readmes/special/non-utf8-latin1.asvs.json": a_readme_with("Sillanpää"),
    "readmes/special/non-utf8-utf16le.json": a_readme_with("naïve decoders"),
    "readmes/special/adoc.parallel-consumer.json": a_readme_with("= Confluent Parallel Consumer", "[source,java"),
    "readmes/special/hostile-html.json": a_readme_with("<script>this one is code and must survive as text</script>"),
    "readmes/betamaxpy__betamax.json": a_readme_with("betamax\n=======", ".. _VCR: https://", ".. code-block:: python"),
    "readmes/*": a_readme_with(),
    "lists/*": repositories,
    "misc/languages.*": languages,
    "misc/topics.*": topics,
    "misc/commits.*": not_a_repository,
    "misc/release_latest.*": not_a_repository,
    "misc/rate_limit.http.json": not_a_repository,
    "user/*": not_a_repository,
    "errors/301.protoncoin.step1.http.json": a_rename,
    "errors/301.protoncoin.step2.http.json": a_repository,
    "errors/304.not-modified.http.json": refused(UpstreamUnavailableError),  # nobody asked conditionally
    "errors/401.bad-credentials.http.json": refused(TokenRefusedError),
    "errors/403.abuse.http.json": refused(RateLimitError),
    "errors/403.no-user-agent.http.json": refused(IntegrationAuthError),
    "errors/403.rate-limit.*": refused(RateLimitError),
    "errors/403.secondary-rate-limit.*": refused(RateLimitError),
    "errors/403.sso-required.http.json": refused(IntegrationAuthError),
    "errors/404.repo.http.json": refused(ContentNotFoundError),
    "errors/409.commits-of-empty-repo.http.json": no_readme,
    "errors/429.secondary-rate-limit.*": refused(RateLimitError),
    "errors/451.dmca.http.json": refused(ContentBlockedError),
    "errors/503.html-body.http.json": refused(UpstreamUnavailableError),
}

# --- YouTube ------------------------------------------------------------------------------------------------------


async def youtube(response: httpx2.Response, video_id: str) -> Item:
    world = World({"/youtube/v3/videos": response})
    url = f"https://youtube.com/watch?v={video_id}"
    return await world.fetch(url)


def check_video(item: Item, video: Json) -> None:
    snippet = video["snippet"]
    assert item.title == " ".join(snippet["title"].split())
    assert item.video is not None
    assert item.video.video_id == video["id"]
    assert item.metadata["published_at"] == snippet["publishedAt"]
    assert len(item.description) <= 500
    there = [size for size in ("maxres", "standard", "high", "medium", "default") if size in snippet["thumbnails"]]
    assert item.image_url == (snippet["thumbnails"][there[0]]["url"] if there else None)
    views = video.get("statistics", {}).get("viewCount")
    assert item.metadata["view_count"] == (int(views) if views is not None else None)


async def videos(file: Path) -> None:
    for video in body_of(file)["items"]:
        check_video(await youtube(answer(file), video["id"]), video)
    with pytest.raises(ContentNotFoundError):
        await youtube(answer(file), "___________")


async def videos_without_a_snippet(file: Path) -> None:
    """Recorded with other parts than an import asks for: nothing to make an item of."""
    for video in body_of(file)["items"]:
        with pytest.raises(UpstreamUnavailableError):
            await youtube(answer(file), video["id"])


async def videos_of_a_list(file: Path) -> None:
    """No list of videos, and refused as one; but its snippets are those of videos, and map like them."""
    for entry in body_of(file)["items"]:
        snippet = entry.get("snippet", {})
        place = entry["id"] if isinstance(entry["id"], dict) else snippet.get("resourceId", {})
        if video_id := place.get("videoId"):
            video = {"id": video_id, "snippet": snippet}
            response = reply(body={"kind": "youtube#videoListResponse", "items": [video]})
            check_video(await youtube(response, video_id), video)
    await not_a_video_list(file)


async def not_a_video_list(file: Path) -> None:
    with pytest.raises(UpstreamUnavailableError):
        await youtube(answer(file), "dQw4w9WgXcQ")


def youtube_refuses(kind: Refusal) -> Play:
    async def play(file: Path) -> None:
        with pytest.raises(ImportProblem) as caught:
            await youtube(exchange(file), "dQw4w9WgXcQ")
        assert type(caught.value) is kind
        assert "<" not in str(caught.value.body())

    return play


YOUTUBE: dict[str, Play] = {
    "videos/*.contentDetails.1.json": videos_without_a_snippet,
    "videos/*.fileDetails.1.json": videos_without_a_snippet,
    "videos/*.liveStreamingDetails.1.json": videos_without_a_snippet,
    "videos/*.player.1.json": videos_without_a_snippet,
    "videos/*.statistics*.1.json": videos_without_a_snippet,
    "videos/*.status.1.json": videos_without_a_snippet,
    "videos/*": videos,
    "playlistItems/*": videos_of_a_list,
    "search/*": videos_of_a_list,
    "channels/*": not_a_video_list,
    "playlists/*": not_a_video_list,
    "websub/*": not_a_video_list,
    "discovery.youtube.v3.json": not_a_video_list,
    "errors/400.error_response.http.json": youtube_refuses(CredentialRefusedError),
    "errors/400.keyInvalid.current.http.json": youtube_refuses(CredentialRefusedError),
    "errors/400.missingRequiredParameter.*": youtube_refuses(UpstreamUnavailableError),
    "errors/401.authError.channels.http.json": youtube_refuses(CredentialRefusedError),
    "errors/403.accessNotConfigured.http.json": youtube_refuses(CredentialRefusedError),
    "errors/403.error_permission_resp.http.json": youtube_refuses(CredentialRefusedError),
    "errors/403.quotaExceeded.http.json": youtube_refuses(RateLimitError),
    "errors/403.rateLimitExceeded.http.json": youtube_refuses(RateLimitError),
    "errors/403.subscriptionForbidden.*": youtube_refuses(IntegrationAuthError),
    "errors/404.playlistNotFound.http.json": youtube_refuses(ContentNotFoundError),
}

# ------------------------------------------------------------------------------------------------------------------


def recordings(folder: str) -> list[str]:
    root = ROOT / folder
    return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()) if root.is_dir() else []


async def play(folder: str, name: str, register: dict[str, Play]) -> None:
    how = next((how for pattern, how in register.items() if fnmatch(name, pattern)), None)
    assert how, f"{folder}/{name} is a new kind of recording: say how it is played"
    await how(ROOT / folder / name)


@pytest.mark.parametrize("name", recordings("github"))
async def test_github(name: str) -> None:
    await play("github", name, GITHUB)


@pytest.mark.parametrize("name", recordings("youtube"))
async def test_youtube(name: str) -> None:
    await play("youtube", name, YOUTUBE)


@pytest.mark.parametrize(("folder", "register"), [("github", GITHUB), ("youtube", YOUTUBE)])
def test_no_pattern_is_left_over(folder: str, register: dict[str, Play]) -> None:
    firsts = {next((pattern for pattern in register if fnmatch(name, pattern)), None) for name in recordings(folder)}
    assert firsts - {None} == set(register)
