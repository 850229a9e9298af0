"""Eight processes that want 25,000 units of a quota of 10,000 a day, which the upstream enforces."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kit.mongo import Database
from sandbox.client import SandboxClient
from sandbox.running import running

PROCESSES, DEMAND, QUOTA = 8, 25_000, 10_000
PACIFIC = ZoneInfo("America/Los_Angeles")


class Fetchers:
    def __init__(self, processes: list[Process]) -> None:
        self._processes = processes

    async def obey(self, orders: list[dict[str, Any]]) -> dict[str, int]:
        """All at the same time; what they did in all."""
        answers = await asyncio.gather(*map(self._order, self._processes, orders))
        return {what: sum(answer[what] for answer in answers) for what in ("done", "deferred")}

    async def _order(self, process: Process, order: dict[str, Any]) -> dict[str, int]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(order).encode() + b"\n")
        await process.stdin.drain()
        answer: dict[str, int] = json.loads(await process.stdout.readline())
        return answer


@asynccontextmanager
async def fetching(environment: dict[str, str]) -> AsyncIterator[Fetchers]:
    async with AsyncExitStack() as exits:
        processes = []
        for _ in range(PROCESSES):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.e2e.budgets.worker", stdin=PIPE, stdout=PIPE, env=os.environ | environment
            )
            exits.push_async_callback(_end, process)
            processes.append(process)
        yield Fetchers(processes)


async def _end(process: Process) -> None:
    assert process.stdin
    process.stdin.close()
    await process.wait()


def seconds_to_noon() -> float:
    """Until it is noon in California, so that no midnight comes unasked."""
    now = datetime.now(UTC).astimezone(PACIFIC)
    noon = now.replace(hour=12, minute=0, second=0)
    return (noon - now + timedelta(days=now >= noon)).total_seconds()


async def spent(sandbox: SandboxClient) -> tuple[int, int]:
    """Units of the day, and calls that were too many."""
    (project,) = (await sandbox.spent("youtube")).values()
    return project["used"], project["refused"]


@pytest.mark.long
async def test_a_daily_quota_is_used_up_and_never_exceeded_and_the_rest_is_done_after_the_reset(
    mongodb: str, database: str, db: Database
) -> None:
    async with running() as sandbox:
        await sandbox.limit("youtube", authenticated=QUOTA)
        ahead = seconds_to_noon()
        await sandbox.advance(ahead)
        ours = {"MONGODB_URL": mongodb, "MONGODB_DATABASE": database, "YOUTUBE_DAILY_UNITS": str(QUOTA)}
        async with fetching(sandbox.environment | ours) as fetchers:
            each = DEMAND // PROCESSES
            jobs = [{"ahead": ahead, "jobs": [i * each, (i + 1) * each]} for i in range(PROCESSES)]
            first = await fetchers.obey(jobs)
            used, refused = await spent(sandbox)
            assert refused == 0, "a quotaExceeded answer was seen"
            assert 0.97 * QUOTA <= first["done"] == used <= QUOTA
            assert first["deferred"] == DEMAND - first["done"] == await db.deferred.count_documents({})

            await sandbox.advance(86_400)
            second = await fetchers.obey([{"ahead": ahead + 86_400}] * PROCESSES)
            used, refused = await spent(sandbox)
            assert refused == 0
            assert 0.97 * QUOTA <= second["done"] == used <= QUOTA

            await sandbox.advance(86_400)
            third = await fetchers.obey([{"ahead": ahead + 2 * 86_400}] * PROCESSES)
            assert (await spent(sandbox))[1] == 0
            assert first["done"] + second["done"] + third["done"] == DEMAND
            assert await db.deferred.count_documents({}) == 0
