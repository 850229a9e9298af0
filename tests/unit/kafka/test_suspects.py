"""Records that kill their consumer, in a simulated group: counted, isolated, parked; and nobody else."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from kit.kafka.company import ANY
from kit.kafka.progress import Progress, decode, encode
from kit.kafka.suspects import Suspects, company
from kit.settings import KeyedSettings
from tests.unit.kafka.fakes import Numbered
from tests.unit.kafka.simulation import SETTINGS, TOPIC, Group, Member

DEADLY = SETTINGS.model_copy(update={"max_deaths": 4, "max_uncommitted": 5_000})


class Workload:
    """Handlers that take a while; some numbers kill their process a moment after they have begun."""

    def __init__(self, group: Group, killers: set[int]) -> None:
        self.group = group
        self.killers = killers
        self.begun: Counter[int] = Counter()
        self.beside: dict[int, list[int]] = {n: [] for n in killers}  # how many ran beside each
        self.members: list[Member] = []
        self.deaths: list[asyncio.Task[None]] = []
        self.running: set[int] = set()

    async def __call__(self, event: Numbered) -> None:
        self.group.starts(self.group.records[event.n])
        self.begun[event.n] += 1
        if event.n in self.killers:
            self.beside[event.n].append(len(self.running))
            await asyncio.sleep(0.003)
            self.deaths.append(asyncio.create_task(self._die()))
            await asyncio.Event().wait()
        self.running.add(event.n)
        try:
            await asyncio.sleep(0.001 + event.n % 7 / 1_000)
            self.group.ends(self.group.records[event.n])
        finally:
            self.running.discard(event.n)

    async def _die(self) -> None:
        member = self.members.pop()
        await member.die()
        self.members.append(Member(self.group, self, DEADLY))
        await self.members[-1].join()


@pytest.mark.parametrize("seed", range(4))
async def test_a_record_that_kills_its_consumer_is_parked_and_no_other_is(seed: int) -> None:
    group = Group(seed)
    workload = Workload(group, {30, 150})
    workload.members.append(Member(group, workload, DEADLY))
    for n in range(300):
        group.produce(n, f"key{n * 7 % 40}")
    await workload.members[0].join()
    await group.settle()
    assert group.faults == []
    assert group.settled
    assert {h["x-dead-letter-reason"] for h in group.parked} == {"kills_consumer"}
    parked = {(int(h["x-dead-letter-partition"]), int(h["x-dead-letter-offset"])) for h in group.parked}
    assert parked == {(group.records[n].partition, group.records[n].offset) for n in workload.killers}
    assert {int(h["x-dead-letter-attempts"]) for h in group.parked} <= {4, 5}
    for n in workload.killers:
        assert workload.begun[n] <= DEADLY.max_deaths + 2, "in company it may have died for the other"
        assert workload.beside[n][-1] == 0, "the last time it was alone"
    for member in workload.members:
        await member.leave()


async def test_the_counters_are_gone_when_their_records_are() -> None:
    group = Group(1)
    workload = Workload(group, {5})
    workload.members.append(Member(group, workload, DEADLY))
    for n in range(20):
        group.produce(n, "key")
    await workload.members[0].join()
    await group.settle()
    for member in workload.members:
        await member.leave()
    told = [decode(state.offset, state.metadata) for state in group.committed.values()]
    assert told
    assert all(progress.closed and not progress.deaths for progress in told)


async def test_records_that_nobody_died_of_cost_no_commit_of_their_own() -> None:
    group = Group(1)
    settings = SETTINGS.model_copy(update={"commit_interval": timedelta(seconds=3_600)})

    async def handle(event: Numbered) -> None:
        group.ends(group.records[event.n])

    member = Member(group, handle, settings)
    await member.join()
    commits = group.commits
    for n in range(200):
        group.produce(n, f"key{n % 40}")
    async with asyncio.timeout(10):
        while group.lost:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert group.commits == commits
    await member.leave()
    assert group.settled


async def test_an_assignment_is_open_before_anything_of_it_is_begun_and_closed_when_it_is_let_go() -> None:
    group = Group(1)
    tp = TopicPartition(TOPIC, 0)
    seen = []

    async def handle(event: Numbered) -> None:
        known = group.committed[TopicPartition(TOPIC, group.records[event.n].partition)]
        seen.append(decode(known.offset, known.metadata).closed)
        group.ends(group.records[event.n])

    member = Member(group, handle)
    for n in range(20):
        group.produce(n, f"key{n}")
    await member.join()
    await group.settle()
    await member.leave()
    assert seen == [False] * 20
    assert decode(0, group.committed[tp].metadata).closed


async def test_a_suspect_is_not_begun_while_its_count_cannot_be_written() -> None:
    group = Group(1)
    group.produce(1, "key")
    tp = TopicPartition(TOPIC, group.records[1].partition)
    group.committed[tp] = OffsetAndMetadata(0, encode(0, Progress(closed=False)))
    begun: list[int] = []

    async def handle(event: Numbered) -> None:
        begun.append(event.n)
        group.ends(group.records[event.n])

    group.commits_fail = True
    member = Member(group, handle)
    await member.join()
    async with asyncio.timeout(10):
        while not any(part.suspects.told(closed=False) for part in member.subscriber.partitions_now()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert begun == []
    group.commits_fail = False
    await group.settle()
    assert begun == [1]
    await member.leave()


def test_what_was_under_way_is_counted_once_more_and_what_waited_is_not() -> None:
    suspects = Suspects({5: 2, 9: 3}, until=20)
    assert [suspects.deaths(offset) for offset in (4, 5, 9, 20)] == [1, 2, 3, 0]
    suspects.begun(5)
    suspects.begun(7)
    assert suspects.told(closed=False) == {5: 3, 7: 2, 9: 3}
    assert suspects.told(closed=True) == {5: 2, 9: 3}, "who lets go is alive"
    suspects.ended(5)
    suspects.finished(7)
    suspects.finished(9)
    assert suspects.told(closed=False) == {5: 2}


@pytest.mark.parametrize("max_deaths", range(KeyedSettings.model_fields["max_deaths"].metadata[0].ge, 8))
def test_nothing_is_parked_that_has_not_died_alone(max_deaths: int) -> None:
    assert company(max_deaths - 1, max_deaths, 100) == 1
    assert [company(deaths, max_deaths, 100) for deaths in (0, 1, max_deaths)] == [ANY, ANY, ANY]
