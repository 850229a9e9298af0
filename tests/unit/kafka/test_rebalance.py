"""The subscriber through joins, departures and deaths, in a simulated group. On real Kafka the same happens rarely."""

import asyncio
import random

import pytest

from tests.unit.kafka.fakes import Numbered
from tests.unit.kafka.simulation import Group, Member

RECORDS = 400
KEYS = 40
UPHEAVALS = 8


class Workload:
    """Handlers that take a while, fail now and then, and sometimes outlive the drain of a revocation."""

    def __init__(self, group: Group, seed: int) -> None:
        self._group = group
        self._random = random.Random(seed)

    async def __call__(self, event: Numbered) -> None:
        handled = self._group.records[event.n]
        self._group.starts(handled)
        await asyncio.sleep(self._random.choice((0, 0, 0.001, 0.003, 0.06)))
        if self._random.random() < 0.05:
            raise ConnectionError
        self._group.ends(handled)


async def upheave(group: Group, members: list[Member], workload: Workload) -> None:
    """One member joins, leaves or is killed; between one and four remain."""
    choices = ["join"] * (len(members) < 4) + ["leave", "die"] * (len(members) > 1)
    match group.random.choice(choices):
        case "join":
            members.append(Member(group, workload))
            await members[-1].join()
        case "leave":
            await members.pop(group.random.randrange(len(members))).leave()
        case "die":
            await members.pop(group.random.randrange(len(members))).die()


@pytest.mark.parametrize("seed", range(6))
async def test_rebalances_lose_nothing_keep_the_order_and_never_commit_too_much(seed: int) -> None:
    group = Group(seed)
    workload = Workload(group, seed)
    members = [Member(group, workload)]
    await members[0].join()
    for n in range(RECORDS):
        group.produce(n, f"key{n * 7 % KEYS}")
        if n % (RECORDS // UPHEAVALS) == 0:
            await upheave(group, members, workload)
        if n % 10 == 0:
            await asyncio.sleep(0.001)
    await group.settle()
    for member in members:
        await member.leave()
    assert group.faults == []
    assert group.lost == 0
    # The progress map: without it a rebalance repeats everything above the watermark, some 60 % more.
    assert group.runs < RECORDS * 1.5


async def test_records_that_come_before_the_assignment_is_announced_are_fetched_again() -> None:
    """A poll sleeps through a rebalance that leaves it its partitions, and wakes up with records in its hands."""
    group = Group(1)
    workload = Workload(group, 1)
    member = Member(group, workload)
    await member.join()
    for n in range(0, 200, 10):
        await asyncio.sleep(0.002)  # the log is drained, the poll sleeps
        for m in range(n, n + 10):
            group.produce(m, f"key{m % KEYS}")
        await group.rebalance()
    await group.settle()
    await member.leave()
    assert group.faults == []
    assert group.settled


async def test_a_drained_member_leaves_nothing_to_repeat() -> None:
    group = Group(2)
    workload = Workload(group, 2)
    for n in range(100):
        group.produce(n, f"key{n % KEYS}")
    first = Member(group, workload)
    await first.join()
    await asyncio.sleep(0.005)
    await first.leave()
    second = Member(group, workload)
    runs_before, finished_before = group.runs, sum(map(len, group.finished.values()))
    await second.join()
    await group.settle()
    await second.leave()
    retries = group.runs - runs_before - (100 - finished_before)
    assert group.faults == []
    assert retries < 30
