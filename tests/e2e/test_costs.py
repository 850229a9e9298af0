"""What following costs, measured in the sandbox and printed: units of YouTube and GitHub, and calls of the model."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pymongo import WriteConcern
from structlog.testing import capture_logs

from integrations.connections.store import Connections
from integrations.registry import IntegrationSettings, build_registry
from kit.errors import ImportProblem
from kit.http import open_transport
from kit.mongo import Database, Document, connect
from kit.settings import MongoSettings
from kit.upstream import Upstream
from kit.vault import Vault, VaultSettings
from records.budgets import open_budgets
from records.indexes import ensure_indexes
from records.sources.record import Frequency, Identity, Reason, follow, new_source, request_sync, sync_requested
from sandbox.client import SandboxClient
from sandbox.data.load_channels import channel_id
from schemas.events import ContentFetched, Options
from services.fetcher.reader import CredentialedReader
from services.fetcher.response_cache import ResponseCache
from services.fetcher.sync import Sync
from tests.e2e.member import Member, settled
from tests.e2e.stack import Stack

SOURCES = 1_000
AT_ONCE = 50
DAY = timedelta(days=1)
BUCKETS = ("youtube", "youtube.search", "youtube.statistics", "github")


class NoAccounts:
    """Nobody has connected any."""

    async def fresh(self, user_id: str, provider: str) -> None:
        return None

    async def refused(self, used: object) -> None:
        return None

    async def refused_again(self, used: object) -> ImportProblem:
        raise AssertionError("nobody has one")

    async def accepted(self, used: object) -> None:
        raise AssertionError("nobody has one")


@dataclass
class Followed:
    """Sources on a database of their own, synced by the fetcher's own code, by a clock that the test moves."""

    db: Database
    sandbox: SandboxClient
    sync: Sync
    now: datetime

    async def follow(self, platform: str, urls: Sequence[str]) -> list[Document]:
        sources = [
            new_source(
                Identity(f"user-{place}", platform, url),
                display_name=url,
                frequency=Frequency.DAILY,
                options=Options(),
                now=self.now,
            )
            for place, url in enumerate(urls)
        ]
        return [(await follow(self.db, source))[0] for source in sources]

    async def look_at_all(self, sources: Sequence[Document]) -> "Costs":
        """A day later."""
        self.now += DAY
        before = await self._spent()
        room = asyncio.Semaphore(AT_ONCE)

        async def sync(source: Document) -> int:
            async with room:
                await request_sync(self.db, {"_id": source["_id"]}, Reason.INTERVAL, self.now)
                due = await self.db.sources.find_one({"_id": source["_id"]})
                events = await self.sync(sync_requested(due or {}))
                return sum(isinstance(event, ContentFetched) for event in events)

        with capture_logs():
            handed_on = sum(await asyncio.gather(*map(sync, sources)))
        assert await self.db.runs.count_documents({"outcome": "failed"}) == 0
        after = await self._spent()
        return Costs(handed_on, {name: after[name] - before[name] for name in BUCKETS})

    async def _spent(self) -> dict[str, int]:
        return {name: sum(one["used"] for one in (await self.sandbox.spent(name)).values()) for name in BUCKETS}


@dataclass(frozen=True)
class Costs:
    handed_on: int
    units: dict[str, int]


@pytest.fixture
async def sandbox(stack: Stack) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(stack.url("sandbox")) as client:
        yield client


@pytest.fixture
async def followed(stack: Stack, sandbox: SandboxClient) -> AsyncIterator[Followed]:
    db = connect(MongoSettings(mongodb_url=stack.mongo.address, mongodb_database=f"costs-{uuid4().hex[:8]}"))
    await ensure_indexes(db)
    db = db.with_options(write_concern=WriteConcern(w=1, j=False))  # nothing of it has to last
    settings = IntegrationSettings.model_validate({name.lower(): value for name, value in stack.settings.items()})
    registry = build_registry(settings)
    transport, budgets = open_transport(), open_budgets(db)
    world = Followed(db, sandbox, sync=None, now=datetime.now(UTC))  # type: ignore[arg-type]
    http = Upstream(transport, registry.bases, budgets=budgets, now=lambda: world.now)
    connections = Connections(db, Vault(VaultSettings.model_construct()))
    access = CredentialedReader(NoAccounts(), connections, http, ResponseCache(db, http))
    world.sync = Sync(
        db, registry, access, fresh=timedelta(hours=1), patience=timedelta(minutes=1), now=lambda: world.now
    )
    yield world
    await budgets.aclose()
    await transport.aclose()
    await db.client.drop_database(db.name)
    await db.client.close()


def told(what: str, cost: object) -> None:
    print(f"\n{what}: {cost}", end="")  # noqa: T201


async def test_a_channel_of_fifty_videos_and_what_it_costs_to_sync_again(
    stack: Stack, db: Database, ada: Member, sandbox: SandboxClient
) -> None:
    before = sum(one["used"] for one in (await sandbox.spent("youtube")).values())
    body = {"channel_url": "https://www.youtube.com/@lighthouseexample", "max_videos": 50}
    answer = await ada.post("/integrations/youtube/import-channel/", body)
    assert answer.status_code == 202, answer.text
    task = await ended(stack, db, ada, answer.json()["task_id"])
    assert (task["status"], task["completed"], task["failed"], task["points"]) == ("completed", 50, 0, 2_500), task
    units = sum(one["used"] for one in (await sandbox.spent("youtube")).values()) - before
    told("a channel of 50 videos, by its handle, units", units)
    assert units <= 4

    model = await sandbox.calls("openai")
    (source,) = (await ada.get("/integrations/sources/"))["sources"]
    assert source["metadata"]["total_videos_imported"] == 50
    run = await after_sync(stack, ada, source["id"])
    told("units of its next sync", run["cost"] or 0)
    assert (run["outcome"], run["cost"]) == ("unchanged", {})

    # A week later: the numbers of all its videos are read anew, and one of them has changed.
    await db.sources.update_one(
        {"_id": UUID(source["id"])}, {"$set": {"cursor.refreshed_at": (datetime.now(UTC) - 8 * DAY).isoformat()}}
    )
    await sandbox.change_video("sbxLight056", views=1_000_000)
    run = await after_sync(stack, ada, source["id"])
    told("units of reading the numbers of all its videos anew", sum(run["cost"].values()))
    assert (run["outcome"], sum(run["cost"].values())) == ("changed", 2)
    await settled(stack, db)
    again = await sandbox.calls("openai") - model
    told("calls of the model for both syncs", again)
    assert again == 0


@pytest.mark.long
async def test_a_thousand_unchanged_channels_cost_no_unit_a_day(followed: Followed) -> None:
    channels = await followed.follow(
        "youtube", [f"https://youtube.com/channel/{channel_id(n)}" for n in range(SOURCES)]
    )
    first = await followed.look_at_all(channels)
    told(f"{SOURCES:,} channels of 5 videos, units of their first sync", first.units["youtube"])
    assert (first.handed_on, first.units["youtube"]) == (5 * SOURCES, 3 * SOURCES)

    daily = await followed.look_at_all(channels)
    told(f"{SOURCES:,} unchanged channels, units a day", daily.units["youtube"])
    assert daily.handed_on == sum(daily.units.values()) == 0

    followed.now += 6 * DAY
    weekly = await followed.look_at_all(channels[:50])
    told("50 unchanged channels, units once a week for the numbers of their videos", weekly.units["youtube"])
    assert (weekly.handed_on, weekly.units["youtube"]) == (0, 2 * 50)


@pytest.mark.long
async def test_a_thousand_unchanged_repositories_cost_nothing_with_a_credential(followed: Followed) -> None:
    repositories = await followed.follow("github", [f"https://github.com/load/{n}" for n in range(SOURCES)])
    first = await followed.look_at_all(repositories)
    told(f"{SOURCES:,} repositories, requests that counted at their first sync", first.units["github"])
    assert first.handed_on == SOURCES

    daily = await followed.look_at_all(repositories)
    told(f"{SOURCES:,} unchanged repositories, requests that count a day", daily.units["github"])
    assert daily.handed_on == sum(daily.units.values()) == 0


async def ended(stack: Stack, db: Database, member: Member, task_id: str) -> dict[str, Any]:
    """The parent task, when the channel has been listed and all its videos have ended."""
    async with asyncio.timeout(120):
        while (task := await member.task(task_id))["status"] in ("pending", "processing"):
            stack.check()
            await asyncio.sleep(0.2)
    return task


async def after_sync(stack: Stack, member: Member, source_id: str) -> dict[str, Any]:
    """The run that this asks for, when it is over and its source knows of it."""
    path = f"/integrations/sources/{source_id}/"
    known = len((await member.get(f"{path}history/"))["runs"])
    answer = await member.post(f"{path.removesuffix('/')}/sync/", {})
    assert answer.status_code == 202, answer.text
    async with asyncio.timeout(60):
        while len(runs := (await member.get(f"{path}history/"))["runs"]) == known or not runs[0]["next_reason"]:
            stack.check()
            await asyncio.sleep(0.2)
    run: dict[str, Any] = runs[0]
    return run
