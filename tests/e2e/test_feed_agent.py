"""A feed agent made by `make create-youtube-agent`, on the whole stack: its videos, and what is uploaded later."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from kit.mongo import Database
from records.sources.record import Reason, request_sync
from sandbox.client import SandboxClient
from sandbox.links import DEMO_CHANNEL
from tests.e2e.member import Member
from tests.e2e.stack import ROOT, SANDBOX, Stack

pytestmark = pytest.mark.engines

PATIENCE = 90  # seconds
VIDEOS = 50
NAME = "Lighthouse Radio"


@pytest.fixture
async def sandbox(stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stack.url(SANDBOX)) as client:
        yield client
        await client.hub(dropping=False)


async def test_an_agent_imports_its_channel_and_brings_what_is_new_with_and_without_pushes(
    stack: Stack, db: Database, sandbox: SandboxClient, ada: Member
) -> None:
    told = await make(stack, CHANNEL_URL=DEMO_CHANNEL, SOURCE_NAME=NAME, WEBSITE="https://lighthouse.example/")
    profile = told.strip().splitlines()[-1]
    assert profile.startswith(stack.url("gateway"))
    username = profile.rstrip("/").rpartition("/")[2]
    agent = await ada.get(f"/users/{username}/")
    assert (agent["kind"], agent["display_name"]) == ("agent", NAME)
    assert len(await shown(ada)) == VIDEOS

    assert "already" in await make(stack, CHANNEL_URL=DEMO_CHANNEL, SOURCE_NAME=NAME)
    assert await db.projects.count_documents({}) == VIDEOS
    assert await db.sources.count_documents({}) == 1

    await until(stack, lambda: subscribed(sandbox))
    await sandbox.hub(dropping=True)
    unpushed = await sandbox.upload(DEMO_CHANNEL.rpartition("/")[2], title="Found by the clock")
    await request_sync(db, {"platform": "youtube"}, Reason.INTERVAL, datetime.now(UTC))  # as if its day had come
    await until(stack, lambda: is_shown(ada, unpushed))

    await sandbox.hub(dropping=False)
    pushed = await sandbox.upload(DEMO_CHANNEL.rpartition("/")[2], title="Told by the hub")
    await until(stack, lambda: is_shown(ada, pushed))
    assert len(await shown(ada)) == VIDEOS + 2


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"SOURCE_NAME": NAME}, "CHANNEL_URL"),
        ({"CHANNEL_URL": DEMO_CHANNEL}, "SOURCE_NAME"),
        ({"CHANNEL_URL": DEMO_CHANNEL, "SOURCE_NAME": NAME, "AVATAR": "javascript:alert(1)"}, "AVATAR"),
        ({"CHANNEL_URL": "https://notyoutube.com/@someone", "SOURCE_NAME": NAME}, "CHANNEL_URL: "),
        ({"CHANNEL_URL": DEMO_CHANNEL, "SOURCE_NAME": "n" * 90}, "SOURCE_NAME: "),
    ],
)
async def test_a_missing_or_malformed_parameter_is_named(stack: Stack, parameters: dict[str, str], named: str) -> None:
    assert named in await make(stack, fails=True, **parameters)


async def make(stack: Stack, *, fails: bool = False, **parameters: str) -> str:
    """What the target prints."""
    arguments = [f"{name}={value}" for name, value in parameters.items()]
    done = await asyncio.to_thread(
        subprocess.run,
        ["make", "--no-print-directory", "-C", str(ROOT), "create-youtube-agent", *arguments],
        env={**stack.settings, "GATEWAY_URL": stack.url("gateway")},
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    assert bool(done.returncode) is fails, done.stdout + done.stderr
    return done.stdout + done.stderr if fails else done.stdout


async def shown(member: Member) -> list[dict[str, Any]]:
    """All that explore shows, newest first."""
    page = await member.get("/explore/", limit=100)
    found: list[dict[str, Any]] = page["projects"]
    while cursor := page.get("next_cursor"):
        page = await member.get("/explore/", limit=100, cursor=cursor)
        found += page["projects"]
    return found


async def is_shown(member: Member, video_id: str) -> bool:
    return any(one["external_url"].endswith(video_id) for one in await shown(member))


async def subscribed(sandbox: SandboxClient) -> bool:
    return bool(await sandbox.subscriptions())


async def until(stack: Stack, condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            stack.check()
            await asyncio.sleep(0.2)
