"""A lease on a real MongoDB: one holder, for a time."""

import asyncio
from datetime import timedelta
from itertools import islice

from kit.mongo import Database
from records.leases import lease
from tests.e2e.connections.rig import Clock

TTL = timedelta(seconds=30)


async def test_one_holds_it_and_the_others_go_without(db: Database, clock: Clock) -> None:
    async with lease(db, "x", TTL, now=clock) as first, lease(db, "x", TTL, now=clock) as second:
        assert (first, second) == (1, None)


async def test_of_many_at_once_one_gets_it(db: Database, clock: Clock) -> None:
    done = asyncio.Event()

    async def compete() -> int | None:
        async with lease(db, "x", TTL, now=clock) as fence:
            if fence is None:
                return None
            await done.wait()
            return fence

    rivals = [asyncio.create_task(compete()) for _ in range(20)]
    for refused in islice(asyncio.as_completed(rivals), len(rivals) - 1):
        assert await refused is None
    done.set()
    assert sorted(fence for fence in await asyncio.gather(*rivals) if fence is not None) == [1]


async def test_different_names_are_different_leases(db: Database, clock: Clock) -> None:
    async with lease(db, "x", TTL, now=clock) as first, lease(db, "y", TTL, now=clock) as second:
        assert (first, second) == (1, 1)


async def test_it_is_given_back_also_after_an_error(db: Database, clock: Clock) -> None:
    try:
        async with lease(db, "x", TTL, now=clock):
            raise LookupError
    except LookupError:
        pass
    async with lease(db, "x", TTL, now=clock) as fence:
        assert fence == 2


async def test_a_dead_holders_lease_runs_out_and_the_fence_grows(db: Database, clock: Clock) -> None:
    async with lease(db, "x", TTL, now=clock) as slow:
        clock.pass_(TTL)
        async with lease(db, "x", TTL, now=clock) as next_one:
            assert slow is not None
            assert next_one == slow + 1


async def test_who_lost_it_does_not_give_back_anothers(db: Database, clock: Clock) -> None:
    async with lease(db, "x", TTL, now=clock):
        clock.pass_(TTL)
        other = lease(db, "x", TTL, now=clock)
        await other.__aenter__()
    async with lease(db, "x", TTL, now=clock) as third:
        assert third is None
    await other.__aexit__(None, None, None)
