"""16 processes, 100 jobs each, one expired token, and a provider that invalidates the old refresh token on use."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from integrations.connections.store import Connections
from kit.errors import ReauthRequiredError
from kit.mongo import Database
from records import deferred
from records.stage_failures import StageFailures
from schemas.events import Event
from tests.e2e.connections.rig import Issuer, connect_ada, vault
from tests.e2e.connections.worker import begin, digest, processes, work
from tests.unit.kit.records import record

PROCESSES, JOBS = 16, 100
AT_ONCE = (
    50  # writes by this one process: all jobs' at once would wait for its connections longer than a write may take
)


@pytest.fixture
async def token_endpoint(issuer: Issuer) -> AsyncIterator[str]:
    """The issuer's address; it takes its time, so that everybody comes meanwhile."""

    async def answer(request: web.Request) -> web.Response:
        form = await request.post()
        await asyncio.sleep(0.5)
        status, body = issuer.refresh(str(form["refresh_token"]))
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/token", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    context = processes()
    with ProcessPoolExecutor(
        PROCESSES, mp_context=context, initializer=begin, initargs=(context.Barrier(PROCESSES),)
    ) as running:
        yield running


async def nothing(_event: Event) -> None:
    raise AssertionError("a held job does not fail")


async def test_one_refresh_then_none_until_the_member_consents_and_every_held_job_goes_on(
    mongodb: str, db: Database, token_endpoint: str, issuer: Issuer, pool: ProcessPoolExecutor
) -> None:
    async def everybody() -> Counter[str]:
        loop = asyncio.get_running_loop()
        arguments = (mongodb, db.name, token_endpoint, JOBS)
        return sum(
            await asyncio.gather(*(loop.run_in_executor(pool, work, *arguments) for _ in range(PROCESSES))), Counter()
        )

    connections = Connections(db, vault())
    all_jobs = PROCESSES * JOBS

    connection = await connect_ada(connections, issuer, expires_at=datetime.now(UTC))
    assert await everybody() == {digest("access-1"): all_jobs}
    assert issuer.refreshes == 1

    # The member takes our access away at the provider.
    issuer.refresh_token = "revoked"
    await db.connections.update_one({}, {"$set": {"refresh_at": datetime.now(UTC), "expires_at": datetime.now(UTC)}})
    for _ in range(2):
        assert await everybody() == {"AccountUnavailableError": all_jobs}
        assert issuer.refreshes == 2, "one refusal may be a mistake, and nobody asks again at once"
    assert await db.notices.count_documents({}) == 0
    long_ago = datetime.now(UTC) - timedelta(days=1)
    await db.connections.update_one({}, {"$set": {"refusals": 2, "refused_at": long_ago, "retry_at": long_ago}})
    for _ in range(2):
        assert await everybody() == {"ReauthRequiredError": all_jobs}
        assert issuer.refreshes == 3, "no further call until reconnection"
    assert await db.notices.count_documents({"user_id": "ada"}) == 1

    failures = StageFailures("fetcher", db, nothing)
    held = ReauthRequiredError("YouTube", "youtube", connection.waits_for)
    began = datetime.now(UTC)
    for first in range(0, all_jobs, AT_ONCE):
        await asyncio.gather(*(failures.defer(record(offset=first + n), held) for n in range(AT_ONCE)))
    assert await deferred.claim(db, began) == []

    await connect_ada(connections, issuer, expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert len(await deferred.claim(db, datetime.now(UTC), limit=2 * all_jobs)) == all_jobs
    assert await everybody() == {digest("access-0"): all_jobs}
    assert issuer.refreshes == 3
