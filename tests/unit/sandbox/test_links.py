import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

import aiohttp

from sandbox.client import SandboxClient
from sandbox.links import COMPLETED, LINKS


async def test_a_dozen_links_are_for_show() -> None:
    shown = [link for link in LINKS if link.demo]
    assert len(shown) == 12
    assert sum("github.com" in link.url for link in shown) == 8
    assert all(link.outcome == COMPLETED and not link.expected_failure for link in shown)
    assert len({link.canonical_url for link in shown}) == 12


async def test_every_link_is_there_if_and_only_if_it_should_complete(
    sandbox: SandboxClient, http: aiohttp.ClientSession, github: str
) -> None:
    for link in await sandbox.links():
        assert link.expected_failure == (link.outcome != COMPLETED)
        parts = urlsplit(link.url)
        if parts.hostname == "github.com":
            async with http.get(f"{github}/repos{parts.path}") as response:
                exists = response.status == 200
                if exists:
                    found = f"https://github.com/{(await response.json())['full_name']}".lower()
                    assert found == link.canonical_url
        else:
            video_id = parse_qs(parts.query).get("v", [parts.path.rpartition("/")[2]])[0]
            query = {"part": "id", "id": video_id, "key": "k"}
            async with http.get(f"{sandbox.environment['YOUTUBE_API_URL']}/videos", params=query) as response:
                exists = bool((await response.json())["items"])
        assert exists == (link.outcome == COMPLETED), link.url


async def test_runs_as_a_process_of_its_own_and_ends_on_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[-1]
    async with SandboxClient(url) as sandbox:
        assert (await sandbox.overview())["environment"]["GITHUB_API_URL"] == f"{url}/github"
    process.terminate()
    await process.communicate()
    assert process.returncode == 0
