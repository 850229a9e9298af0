"""Looks at sources on a real MongoDB, at an upstream that the tests change, by a clock that they set."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from integrations.connections.model import Connection, ConnectionState, waits_for
from integrations.connections.tokens import FreshToken
from integrations.registry import IntegrationRegistry, IntegrationSettings, build_registry
from kit.budgets import Budgets
from kit.errors import AccountUnavailableError, ImportProblem, ReauthRequiredError
from kit.http import Limits
from kit.mongo import Database, Document
from kit.upstream import Upstream
from records.budgets import open_budgets
from records.sources.record import Frequency, Identity, Reason, follow, new_source, request_sync, sync_requested
from schemas.events import ContentFetched, Event, Options, SourceSynced, SyncRequested, UpstreamStatus
from services.fetcher.reader import CredentialedReader
from services.fetcher.response_cache import ResponseCache
from services.fetcher.sync import Sync
from tests.databases import made
from tests.e2e.sync.github import TOKEN, GitHub

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Accounts:
    """Who has connected GitHub, and how that stands."""

    states: dict[str, ConnectionState] = field(default_factory=dict)
    token: str = TOKEN

    async def fresh(self, user_id: str, provider: str) -> FreshToken | None:
        match self.states.get(user_id):
            case ConnectionState.NEEDS_REAUTH:
                raise ReauthRequiredError("GitHub", provider, waits_for(user_id, provider))
            case ConnectionState.CONNECTED:
                return FreshToken(SecretStr(self.token), user_id, provider, f"account of {user_id}", (), 1)
        return None

    async def refused(self, used: FreshToken) -> FreshToken | None:
        return used

    async def refused_again(self, used: FreshToken) -> ImportProblem:
        return AccountUnavailableError("GitHub refuses access with your account at the moment.")

    async def accepted(self, used: FreshToken) -> None:
        pass

    async def find(self, user_id: str, provider: str) -> Connection | None:
        state = self.states.get(user_id)
        return Connection(user_id, provider, "7", user_id, (), state, NOON) if state else None


@dataclass
class Rig:
    db: Database
    github: GitHub
    accounts: Accounts
    now: datetime = NOON
    sync: Sync = field(init=False)
    budgets: Budgets = field(init=False)
    patience: timedelta = HOUR

    def __post_init__(self) -> None:
        self.budgets = open_budgets(self.db, clock=lambda: self.now)
        self.use(build_registry(IntegrationSettings(github_token=SecretStr("ghp_application"))))

    def use(self, registry: IntegrationRegistry) -> None:
        http = Upstream(
            httpx2.MockTransport(self.github),
            registry.bases,
            limits=Limits(retries=0),
            budgets=self.budgets,
            now=lambda: self.now,
        )
        access = CredentialedReader(self.accounts, self.accounts, http, ResponseCache(self.db, http))
        self.sync = Sync(self.db, registry, access, fresh=HOUR, patience=self.patience, now=lambda: self.now)

    async def follow(self, url: str, user_id: str = "ada", **more: Any) -> Document:
        source, _ = await follow(
            self.db,
            new_source(
                Identity(user_id, "github", url),
                display_name=url,
                frequency=Frequency.DAILY,
                options=Options(),
                now=self.now,
                **more,
            ),
        )
        return source

    async def due(self, source: Document, reason: Reason = Reason.INTERVAL) -> SyncRequested:
        """The command for a sync that is due now, an hour and a bit after the last one."""
        self.now += HOUR + timedelta(seconds=1)
        return await self.now_due(source, reason)

    async def now_due(self, source: Document, reason: Reason = Reason.INTERVAL) -> SyncRequested:
        await request_sync(self.db, {"_id": source["_id"]}, reason, self.now)
        return sync_requested(await self.source(source))

    async def sync_source(self, source: Document, reason: Reason = Reason.INTERVAL) -> "Emitted":
        return Emitted(await self.sync(await self.due(source, reason)))

    async def source(self, source: Document) -> Document:
        found = await self.db.sources.find_one({"_id": source["_id"]})
        assert found is not None
        return found

    async def run(self, source: Document) -> Document:
        """The last one."""
        (found,) = await self.db.runs.find({"source_id": source["_id"]}).sort("finished_at", -1).limit(1).to_list()
        return found


@dataclass
class Emitted:
    events: list[Event]

    @property
    def fetched(self) -> list[ContentFetched]:
        return [event for event in self.events if isinstance(event, ContentFetched)]

    @property
    def synced(self) -> list[SourceSynced]:
        return [event for event in self.events if isinstance(event, SourceSynced)]

    @property
    def standings(self) -> list[UpstreamStatus]:
        return [standing for event in self.synced for standing in event.standings]


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@pytest.fixture
async def rig(db: Database) -> AsyncIterator[Rig]:
    rig = Rig(db, GitHub(), Accounts())
    yield rig
    await rig.budgets.aclose()
