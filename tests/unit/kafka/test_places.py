"""Where a group goes on when Kafka has no record at its offset, or no offset, in a simulated group."""

import asyncio
from collections.abc import Collection

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from kit.kafka.progress import Progress, encode
from tests.unit.kafka.fakes import Numbered
from tests.unit.kafka.simulation import PARTITIONS, SETTINGS, Group, Member


class Memory:
    """Remembers groups; `away` it fails."""

    def __init__(self, *, away: bool = False) -> None:
        self.known: set[TopicPartition] = set()
        self.asked = 0
        self.away = away

    async def has_read(self, _group: str, tps: Collection[TopicPartition]) -> Collection[TopicPartition]:
        self.asked += 1
        if self.away:
            raise LookupError
        before = self.known & {*tps}
        self.known |= {*tps}
        return before


class Handled:
    def __init__(self, group: Group) -> None:
        self.group = group
        self.numbers: list[int] = []

    async def __call__(self, event: Numbered) -> None:
        self.numbers.append(event.n)
        self.group.ends(self.group.records[event.n])


def place(group: Group, n: int) -> tuple[TopicPartition, int]:
    return TopicPartition(group.records[n].topic, group.records[n].partition), group.records[n].offset


def moved(why: str) -> float:
    labels = {"group": "g", "topic": "numbered", "why": why}
    return REGISTRY.get_sample_value("thrive_offsets_moved_total", labels) or 0.0


def done_by_others(group: Group) -> None:
    for tp, log in group.log.items():
        group.finished[tp] |= {each.offset for each in log}


async def test_an_offset_beyond_the_end_is_followed_by_what_is_new_and_by_nothing_old() -> None:
    group = Group(1)
    for n in range(60):
        group.produce(n, f"key{n}")
    done_by_others(group)
    for tp in PARTITIONS:
        group.committed[tp] = OffsetAndMetadata(group.end(tp) + 500, "")
    handled, before = Handled(group), moved("beyond_end")
    member = Member(group, handled)
    with capture_logs() as logs:
        await member.join()
        assert {(tp, known.offset) for tp, known in group.committed.items()} == {
            (tp, group.end(tp)) for tp in PARTITIONS
        }, "it is mended at once, also where nothing new comes"
        for n in range(100, 120):
            group.produce(n, f"key{n}")
        await group.settle()
    await member.leave()
    assert sorted(handled.numbers) == list(range(100, 120))
    assert moved("beyond_end") - before == len(PARTITIONS)
    told = [line for line in logs if line["event"] == "offset moved"]
    assert {(line["log_level"], line["why"]) for line in told} == {("error", "beyond_end")}


async def test_a_log_that_is_cut_off_under_a_running_consumer_is_read_on_from_its_end() -> None:
    group = Group(1)
    handled = Handled(group)
    member = Member(group, handled)
    await member.join()
    for n in range(60):
        group.produce(n, "key")
    await group.settle()
    tp, _ = place(group, 0)
    del group.log[tp][40:]
    async with asyncio.timeout(10):
        while group.committed[tp].offset != group.end(tp):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    for n in range(100, 110):
        group.produce(n, "key")
    await group.settle()
    await member.leave()
    assert handled.numbers == [*range(60), *range(100, 110)]


async def test_a_log_that_was_made_anew_is_read_from_its_start_also_by_who_was_away() -> None:
    group = Group(1)
    handled = Handled(group)
    member = Member(group, handled)
    await member.join()
    for n in range(60):
        group.produce(n, "key")
    await group.settle()
    await member.leave()
    group.begin_anew()
    for n in range(100, 110):
        group.produce(n, "key")
    member = Member(group, handled)
    await member.join()
    await group.settle()
    await member.leave()
    assert handled.numbers == [*range(60), *range(100, 110)]


def expire(group: Group, n: int) -> TopicPartition:
    """The retention has ended for all of the partition before `n`."""
    tp, start = place(group, n)
    group.starts_at[tp] = start
    group.log[tp] = [each for each in group.log[tp] if each.offset >= start]
    return tp


async def test_an_offset_below_the_start_is_followed_by_what_is_left() -> None:
    group = Group(1)
    handled, before = Handled(group), moved("below_start")
    for n in range(30):
        group.produce(n, "key")
    group.committed[expire(group, 20)] = OffsetAndMetadata(1, encode(1, Progress()))
    member = Member(group, handled)
    await member.join()
    await group.settle()
    await member.leave()
    assert handled.numbers == list(range(20, 30))
    assert moved("below_start") - before == 1


async def test_what_was_handed_out_before_it_expired_is_still_handled() -> None:
    group = Group(1)
    handled, before = Handled(group), moved("below_start")
    release = asyncio.Event()

    async def handle(event: Numbered) -> None:
        await release.wait()
        await handled(event)

    member = Member(group, handle, SETTINGS.model_copy(update={"max_uncommitted": 8}))
    await member.join()
    for n in range(30):
        group.produce(n, "key")
    async with asyncio.timeout(10):
        while not (held := sum(part.tracker.unfinished for part in member.subscriber.partitions_now())):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    expire(group, 20)
    release.set()
    await group.settle()
    await member.leave()
    assert handled.numbers[:held] == list(range(held))
    assert handled.numbers[-10:] == list(range(20, 30))
    assert len(handled.numbers) < 30
    assert moved("below_start") - before == 1


@pytest.mark.parametrize(("away", "loud"), [(False, False), (True, True)])
async def test_a_new_group_begins_at_the_start_without_an_alarm(away: bool, loud: bool) -> None:
    group, memory, before = Group(1), Memory(away=away), moved("no_offset")
    for n in range(30):
        group.produce(n, f"key{n}")
    handled = Handled(group)
    member = Member(group, handled, groups=memory)
    await member.join()
    await group.settle()
    await member.leave()
    assert sorted(handled.numbers) == list(range(30))
    assert (moved("no_offset") > before) == loud, "whether it is new cannot be known while the memory is away"


async def test_a_group_that_lost_its_offsets_begins_at_the_start_and_says_so() -> None:
    group, memory, before = Group(1), Memory(), moved("no_offset")
    for n in range(30):
        group.produce(n, f"key{n}")
    handled = Handled(group)
    member = Member(group, handled, groups=memory)
    await member.join()
    await group.settle()
    await member.leave()
    group.committed.clear()
    member = Member(group, handled, groups=memory)
    with capture_logs() as logs:
        await member.join()
        await group.settle()
    await member.leave()
    assert sorted(handled.numbers) == sorted([*range(30)] * 2)
    filled = sum(bool(log) for log in group.log.values())
    assert moved("no_offset") - before == filled
    assert [line["log_level"] for line in logs if line["event"] == "offset moved"] == ["error"] * filled


async def test_the_memory_of_groups_is_asked_once_for_each_partition_and_process() -> None:
    group, memory = Group(1), Memory()
    member = Member(group, Handled(group), groups=memory)
    await member.join()
    for _ in range(3):
        await group.rebalance()
    await member.leave()
    assert memory.asked == 1
