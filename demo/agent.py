"""The demonstration's last act: a feed agent, and an upload to its channel that appears in the explore feed."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx2

from demo.imports import API
from sandbox.client import SandboxClient
from sandbox.links import DEMO_CHANNEL

PATIENCE = 120  # seconds for each step
UPLOAD = "Uploaded while you watched"

Say = Callable[[str], None]


async def curate(client: httpx2.AsyncClient, sandbox: SandboxClient, say: Say) -> bool:
    """True once the upload is in the feed. `client` is an operator's. Raises `httpx2.HTTPError` where it is refused."""
    agent = await _agent(client, DEMO_CHANNEL) or await _agent(client, _another_channel())
    if agent is None:
        return False
    say(f"\n{agent['display_name']} is a feed agent, and imports its channel:")
    if not await _imported(client, agent["username"], say):
        return False
    before = {one["id"] for one in await _explore(client)}
    channel = agent["source"]["url"].rpartition("/")[2]
    if not await _until(lambda: _subscribed(sandbox, channel)):
        say("  the hub has no subscription of the channel")
        return False
    say("  a new video is uploaded to the channel …")
    started = time.monotonic()
    await sandbox.upload(channel, title=UPLOAD)

    async def seen() -> bool:
        return any(one["title"] == UPLOAD and one["id"] not in before for one in await _explore(client))

    if not await _until(seen):
        say("  the video does not appear in the explore feed")
        return False
    newest = (await _explore(client))[0]
    say(f"  … and is in the explore feed {time.monotonic() - started:.1f} s later: {newest['title']}, {newest['url']}")
    return True


async def _agent(client: httpx2.AsyncClient, channel: str) -> dict[str, Any] | None:
    """A new agent for this channel; None where an earlier run has made it, as the hub of that run has forgotten us."""
    name = "Lighthouse Radio" if channel == DEMO_CHANNEL else f"Feed {channel.rpartition('channel')[2]}"
    answer = await client.post(f"{API}/agents/", json={"channel_url": channel, "name": name})
    answer.raise_for_status()
    body = answer.json()
    agent: dict[str, Any] = body["agent"]
    return agent if body["created"] else None


def _another_channel() -> str:
    return f"https://www.youtube.com/@loadchannel{secrets.randbelow(90_000) + 10_000}"


async def _imported(client: httpx2.AsyncClient, username: str, say: Say) -> bool:
    told, task = "", {"status": "pending"}

    async def ended() -> bool:
        nonlocal told, task
        answer = await client.get(f"{API}/agents/{username}/")
        answer.raise_for_status()
        task = answer.json()["task"]
        words = f"  {task['progress']:3} %  {task['message']}"
        if words != told:
            say(words)
        told = words
        return task["status"] in ("completed", "failed")

    return await _until(ended, pause=1) and task["status"] == "completed"


async def _explore(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get(f"{API}/explore/", params={"limit": 5})
    answer.raise_for_status()
    projects: list[dict[str, Any]] = answer.json()["projects"]
    return projects


async def _subscribed(sandbox: SandboxClient, channel: str) -> bool:
    return any(channel in one["topic"] for one in await sandbox.subscriptions())


async def _until(condition: Callable[[], Any], pause: float = 0.2) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(pause)
    return True
