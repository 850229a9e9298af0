"""Budgets on a real MongoDB, by a clock that the tests turn."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from kit.budgets import Bucket, Budgets, Charge, Reading, Spending, after
from kit.errors import RateLimitError
from kit.http import Response
from kit.mongo import Database
from kit.upstream import Upstream
from records.budgets import open_budgets
from tests.databases import made

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, time: timedelta) -> None:
        self.now += time

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@pytest.fixture
async def process(db: Database, clock: Clock) -> AsyncIterator[Callable[[], Budgets]]:
    """Makes the budgets of one more process."""
    async with AsyncExitStack() as exits:

        def new() -> Budgets:
            budgets = open_budgets(db, clock=clock, sleep=clock.sleep)
            exits.push_async_callback(budgets.aclose)
            return budgets

        yield new


def bucket(units: int = 100, **changes: object) -> Bucket:
    return Bucket("test.units", "Example", units, after(HOUR), **changes)  # type: ignore[arg-type]


def charge(bucket: Bucket, cost: int = 1, *, user: str = "", interactive: bool = True, account: str = "app") -> Charge:
    return Charge(account, ((bucket, cost),), user_id=user, interactive=interactive)


def answer(status: int = 200, **headers: str) -> Response:
    return Response(
        status, httpx2.Headers({name.replace("_", "-"): value for name, value in headers.items()}), b"", "x"
    )


class Counting:
    """An upstream that tells its own count: `limit` calls until `reset`, by whomever they are made."""

    def __init__(self, limit: int, used: int = 0, reset: datetime = NOON + HOUR) -> None:
        self.limit = limit
        self.used = used
        self.reset = reset

    def __call__(self) -> Response:
        assert self.used < self.limit, "more than the upstream allows"
        self.used += 1
        return answer(used=str(self.used), limit=str(self.limit), reset=self.reset.isoformat())


async def spend(budgets: Budgets, charge: Charge, respond: Callable[[], Response] = answer) -> None:
    """One call that is answered."""
    async with Spending(budgets, charge) as spending:
        spending.answered(respond())


async def spend_all(budgets: Budgets, charge: Charge, respond: Callable[[], Response] = answer) -> int:
    """How many calls there were until none was left."""
    calls = 0
    while True:
        try:
            await spend(budgets, charge, respond)
        except RateLimitError:
            return calls
        calls += 1


def upstream(transport: httpx2.AsyncBaseTransport, budgets: Budgets) -> Upstream:
    return Upstream(transport, ["http://up.example"], budgets=budgets, sleep=budgets.sleep, now=budgets.now)


def counted(response: Response, _now: datetime) -> Reading | None:
    headers = response.headers
    if "used" not in headers:
        return None
    reset = datetime.fromisoformat(headers["reset"])
    return Reading(int(headers["limit"]), int(headers["used"]), reset)
