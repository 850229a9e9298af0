"""What a member sees of every fault of an account or of the operator's own key. Printed as a table with `pytest -s`.

An import is pasted while the fault is there, and waited for as long as it takes. A source was followed before, while
everything was well and what it leads to was public, or was read with the account; then the fault begins, and it is
synced for nine days.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Any

import httpx2
from pydantic import SecretStr

from integrations.connections.model import Grant
from integrations.connections.oauth import OAuth
from integrations.connections.providers import build_providers
from integrations.connections.settings import ConnectionSettings
from integrations.connections.store import Connections
from integrations.connections.tokens import Tokens
from integrations.provider import Account
from integrations.registry import build_registry
from integrations.youtube.oauth import YOUTUBE_READ
from kit.errors import ImportProblem, Outcome, outcome_of
from kit.http import Limits
from kit.mongo import Database
from kit.upstream import Upstream
from records.imports import insert, pending
from records.sources.record import Frequency, Identity, Reason, follow, new_source, request_sync, sync_requested
from records.stage_failures import StageFailures
from schemas.events import Event, ImportFailed, Options
from services.fetcher.reader import CredentialedReader
from services.fetcher.response_cache import ResponseCache
from services.fetcher.sync import Sync
from tests.e2e.connections.rig import Clock, vault
from tests.e2e.connections.upstreams import LINKS, Fault, Upstreams
from tests.unit.kit.records import IMPORT_ID, USER_ID, record

SETTINGS = ConnectionSettings.model_validate(
    {
        "github_token": "application-token",
        "github_client_id": "id",
        "github_client_secret": "secret",
        "google_client_id": "id",
        "google_client_secret": "secret",
        "youtube_api_key": "application-key",
    }
)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Cell:
    provider: str
    public: bool
    account: bool
    fault: Fault = "none"


@dataclass(frozen=True)
class Row:
    """An import at first, and in the end; a source at the next sync, and after nine days; the notices by then."""

    first: str
    end: str
    source: str
    later: str
    notices: str = "-"


DONE = "completed"
SEEN = "ok"
AUTH = "AUTH_ERROR connect_{provider}"
DOUBT, DOWN = "waits 3m UPSTREAM_UNAVAILABLE wait", "waits 15s UPSTREAM_UNAVAILABLE retry_later"

# Without an account: the public's view. What it does not see is "not there, or private", as upstreams do not tell
# which; what was public when it was followed may have become private, and is hidden after a week.
NOTHING_SEEN = Row(
    "failed CONTENT_NOT_FOUND check_url", "failed CONTENT_NOT_FOUND check_url", "gone", "gone, hidden", "source_hidden"
)
# With an account that works, or that was refused once: all that the account may see, and nobody is told anything.
ALL_SEEN = Row(DONE, DONE, SEEN, SEEN)
# Refused for good, and public: the public's view. The member is told when they need the account, and not before.
AS_THE_PUBLIC = Row(DONE, DONE, SEEN, SEEN)
# Refused for good, and private: the first refusal may be a mistake, so it waits for a few minutes with a time; once it
# has been refused for half an hour, it waits for the member, who is told once, with what to do.
ASKED_TO_CONNECT = Row(DOUBT, f"waits for the member {AUTH}", "failing", "needs_reauth", "reauth_required")
# Our own key is wrong, and there is no account: as an upstream that is down. No account is asked for, nothing is
# revoked, nobody is told; what has waited long enough says that it may be retried.
WAITS_FOR_THE_OPERATOR = Row(DOWN, "failed UPSTREAM_UNAVAILABLE retry", "failing", "failing")

EXPECTED = {
    # public, account, fault
    (True, False, "none"): ALL_SEEN,
    (True, True, "none"): ALL_SEEN,
    (True, True, "refused once"): ALL_SEEN,
    (True, True, "refused for good"): AS_THE_PUBLIC,
    (True, False, "key wrong"): WAITS_FOR_THE_OPERATOR,
    (True, True, "key wrong"): ALL_SEEN,  # with the account, whose own allowance is spent
    (False, False, "none"): NOTHING_SEEN,
    (False, True, "none"): ALL_SEEN,
    (False, True, "refused once"): ALL_SEEN,
    (False, True, "refused for good"): ASKED_TO_CONNECT,
    # Nobody can tell that it is private while our key is wrong: it may be public, so it waits and is not hidden
    (False, False, "key wrong"): WAITS_FOR_THE_OPERATOR,
    (False, True, "key wrong"): ALL_SEEN,
}


@dataclass
class World:
    db: Database
    cell: Cell
    clock: Clock = field(default_factory=Clock)
    upstreams: Upstreams = field(default_factory=Upstreams)
    failed: list[ImportFailed] = field(default_factory=list)

    def __post_init__(self) -> None:
        transport = httpx2.MockTransport(self.upstreams)
        self.registry = registry = build_registry(SETTINGS)
        http = Upstream(transport, registry.bases, limits=Limits(retries=0), now=self.clock)
        self.connections = Connections(self.db, vault(), now=self.clock)
        tokens = Tokens(
            self.connections, OAuth(build_providers(SETTINGS), transport, now=self.clock), sleep=self._pause
        )
        self.access = CredentialedReader(tokens, self.connections, http, ResponseCache(self.db, http))
        self.sync = Sync(self.db, registry, self.access, fresh=MINUTE, patience=HOUR, now=self.clock)
        self.failures = StageFailures("fetcher", self.db, self._publish, chance=lambda: 0.0, now=self.clock)

    async def _pause(self, _seconds: float) -> None:
        self.upstreams.calm_down()

    async def _publish(self, event: Event) -> None:
        assert isinstance(event, ImportFailed)
        self.failed.append(event)

    async def connect(self) -> None:
        if not self.cell.account:
            return
        renewable = SecretStr("refresh") if self.cell.provider == "youtube" else None
        grant = Grant(SecretStr("member-token"), renewable, scopes=(YOUTUBE_READ, "repo"))
        await self.connections.save(USER_ID, self.cell.provider, Account("7", "quill"), grant)

    async def pasted(self) -> list[str]:
        """What becomes of an import, try by try."""
        self.upstreams.public, self.upstreams.fault = self.cell.public, self.cell.fault
        url = LINKS[self.cell.provider]
        imported: dict[str, Any] = {"integration": self.cell.provider, "options": Options(), "released": True}
        await insert(self.db, pending(task_id=IMPORT_ID, user_id=USER_ID, url=url, now=self.clock(), **imported))
        told: list[str] = []
        headers: tuple[tuple[str, bytes], ...] = ()
        for _ in range(100):
            try:
                await self.access.fetch(self.registry.recognise(url), USER_ID, interactive=True)
            except ImportProblem as problem:
                told.append(await self._ended(problem, headers))
                if not told[-1].startswith("waits ") or "for the member" in told[-1]:
                    return told
            else:
                return [*told, DONE]
            (waiting,) = await self.db.deferred.find().to_list()
            headers = tuple((name, bytes(value)) for name, value in waiting["headers"])
        raise AssertionError("it never ends")

    async def _ended(self, problem: ImportProblem, headers: tuple[tuple[str, bytes], ...]) -> str:
        one, code = record(headers=headers), problem.error_code
        if outcome_of(problem) is not Outcome.DEFER:
            await self.failures.fail(one, problem)
            return f"failed {code} {problem.action}"
        await self.failures.defer(one, problem)
        if self.failed:
            assert self.failed[-1].retry_at is None, "it goes on by itself no more"
            return f"failed {self.failed[-1].error_code} {self.failed[-1].action}"
        shown = await self.db.imports.find_one({"_id": IMPORT_ID})
        assert shown is not None
        until = shown["deferred_until"]
        assert until > self.clock(), "what waits says until when"
        pause, self.clock.time = until - self.clock(), until
        if problem.waits_for:
            return f"waits for the member {code} {problem.action}"
        return f"waits {_short(pause)} {code} {problem.action}"

    async def followed(self) -> list[str]:
        """The states of a source: at the next sync, and after nine days."""
        self.upstreams.public = self.cell.public or not self.cell.account
        source, _ = await follow(
            self.db,
            new_source(
                Identity(USER_ID, self.cell.provider, LINKS[self.cell.provider]),
                display_name="Ink",
                frequency=Frequency.DAILY,
                options=Options(),
                now=self.clock(),
            ),
        )
        states: list[str] = []
        for day in range(10):
            await request_sync(self.db, {"_id": source["_id"]}, Reason.INTERVAL, self.clock())
            found = await self.db.sources.find_one({"_id": source["_id"]})
            assert found is not None
            await self.sync(sync_requested(found))
            found = await self.db.sources.find_one({"_id": source["_id"]})
            assert found is not None
            states.append(f"{found['state']}{', hidden' * bool(found.get('hidden'))}")
            if day == 0:
                assert states == [SEEN], "before the fault"
                self.upstreams.public, self.upstreams.fault = self.cell.public, self.cell.fault
            self.clock.pass_(DAY)
        return states[1:]

    async def notices(self) -> str:
        return ", ".join([one["kind"] async for one in self.db.notices.find()]) or "-"


def _short(pause: timedelta) -> str:
    seconds = round(pause.total_seconds())
    return f"{seconds}s" if seconds < 60 else f"{seconds // 60}m"


async def walked(db: Database, cell: Cell) -> Row:
    async def fresh() -> World:
        for name in await db.list_collection_names():
            await db[name].delete_many({})
        world = World(db, cell)
        await world.connect()
        return world

    told = await (await fresh()).pasted()
    world = await fresh()
    states = await world.followed()
    return Row(told[0], told[-1], states[0], states[-1], await world.notices())


async def test_every_fault_is_told_to_whom_it_concerns_and_to_nobody_else(db: Database) -> None:
    print("\n| upstream | what | account | import at first | in the end | source | after 9 days | notice |")  # noqa: T201
    print("|---|---|---|---|---|---|---|---|")  # noqa: T201
    wrong = []
    for provider, ((public, account, fault), row) in product(LINKS, EXPECTED.items()):
        cell = Cell(provider, public, account, fault)  # type: ignore[arg-type]
        expected = Row(*(text.format(provider=provider) for text in vars(row).values()))
        found = await walked(db, cell)
        which = f"{'an' if account else 'no'} account{'' if fault == 'none' else ', ' + fault}"
        what = "public" if public else "private"
        print(f"| {provider} | {what} | {which} | {' | '.join(vars(found).values())} |")  # noqa: T201
        if found != expected:
            wrong.append((cell, found, expected))
    assert not wrong
