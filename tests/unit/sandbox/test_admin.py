from typing import Any

import aiohttp
import pytest

from sandbox.client import SandboxClient


async def _json(http: aiohttp.ClientSession, url: str) -> Any:
    async with http.get(url) as response:
        return await response.json()


async def test_calls_are_counted_by_endpoint_and_repeats_are_told_apart(
    sandbox: SandboxClient, github: str, http: aiohttp.ClientSession
) -> None:
    for name in ("load/1", "load/2", "load/1"):
        await _json(http, f"{github}/repos/{name}")
        await _json(http, f"{github}/repos/{name}/readme")
    assert await sandbox.calls("github") == 6
    assert await sandbox.calls("github", "/repos/{owner}/{repo}") == 3
    assert await sandbox.calls("github", contains="load/1") == 4
    assert await sandbox.repeated("github") == 2
    assert await sandbox.calls("openai") == 0
    await sandbox.forget_calls()
    assert await sandbox.calls("github") == 0


async def test_repository_can_be_changed_renamed_hidden_and_deleted(
    sandbox: SandboxClient, github: str, http: aiohttp.ClientSession
) -> None:
    async def status(name: str) -> int:
        async with http.get(f"{github}/repos/{name}", allow_redirects=False) as response:
            return response.status

    for name in ("load/5", "mira-example/untitled"):
        await sandbox.change_repository(name, stars=7, description="new", topics=["a"], readme="# New")
        body = await _json(http, f"{github}/repos/{name}")
        assert (body["stargazers_count"], body["description"], body["topics"]) == (7, "new", ["a"])
        assert (await _json(http, f"{github}/repos/{name}/readme"))["size"] == 5
        await sandbox.change_repository(name, full_name=f"{name}-renamed")
        assert (await status(name), await status(f"{name}-renamed")) == (301, 200)
        await sandbox.change_repository(f"{name}-renamed", private=True)
        assert (await status(name), await status(f"{name}-renamed")) == (404, 404)
        await sandbox.delete_repository(f"{name}-renamed")
        assert await status(f"{name}-renamed") == 404
    await sandbox.change_repository("mira-example/brand-new", readme=None)
    assert await status("mira-example/brand-new") == 200
    await sandbox.reset()
    assert [await status(name) for name in ("load/5", "mira-example/untitled", "mira-example/brand-new")] == [
        200,
        200,
        404,
    ]


async def test_video_can_be_changed_and_deleted(sandbox: SandboxClient, http: aiohttp.ClientSession) -> None:
    url = f"{sandbox.environment['YOUTUBE_API_URL']}/videos?part=snippet&key=k&id=sbxTidePool"
    await sandbox.change_video("sbxTidePool", title="Another title")
    assert (await _json(http, url))["items"][0]["snippet"]["title"] == "Another title"
    await sandbox.change_video("sbxTidePool", privacy="private")
    assert (await _json(http, url))["items"] == []
    await sandbox.reset()
    await sandbox.delete_video("sbxTidePool")
    assert (await _json(http, url))["items"] == []


async def test_named_fault_with_its_own_numbers(
    sandbox: SandboxClient, github: str, http: aiohttp.ClientSession
) -> None:
    await sandbox.fault("github", "secondary_429", retry_after=3, path="/repos/load/*", times=1)
    async with http.get(f"{github}/repos/mira-example/untitled") as response:
        assert response.status == 200
    async with http.get(f"{github}/repos/load/1") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "3")


async def test_rule_may_say_status_headers_and_body_itself(
    sandbox: SandboxClient, github: str, http: aiohttp.ClientSession
) -> None:
    await sandbox.fault("github", status=502, body="<h1>no</h1>", headers={"X-Own": "1"}, retry_after=2)
    async with http.get(f"{github}/repos/load/1") as response:
        assert (response.status, await response.text()) == (502, "<h1>no</h1>")
        assert (response.headers["X-Own"], response.headers["Retry-After"]) == ("1", "2")


@pytest.mark.parametrize(
    ("upstream", "kind"), [("github", "refusal"), ("youtube", "nonsense"), ("openai", "quota_exceeded")]
)
async def test_fault_that_an_upstream_does_not_have_is_refused(
    sandbox: SandboxClient, upstream: str, kind: str
) -> None:
    with pytest.raises(ValueError, match="there are"):
        await sandbox.fault(upstream, kind)


async def test_nonsense_is_refused_with_a_reason(sandbox: SandboxClient) -> None:
    with pytest.raises(ValueError, match="no upstream"):
        await sandbox.latency(sourcehut=1)
    with pytest.raises(ValueError, match="no field"):
        await sandbox.change_repository("load/1", star=1)
    with pytest.raises(ValueError, match="no field"):
        await sandbox.change_video("sbxTidePool", titel="x")


async def test_reset_forgets_everything(sandbox: SandboxClient, github: str, http: aiohttp.ClientSession) -> None:
    before = await sandbox.overview()
    await sandbox.fault("*", "timeout")
    await sandbox.latency(github=30, openai=30)
    await sandbox.limit("github", anonymous=0)
    await sandbox.reset()
    assert await sandbox.overview() == before
    async with http.get(f"{github}/repos/load/1") as response:
        assert response.status == 200
