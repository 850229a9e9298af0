"""A record that aiokafka cannot decode: it costs the other partitions nothing, and is passed over in the end."""

import asyncio

import pytest
from aiokafka.errors import CorruptRecordException, KafkaError, TopicAuthorizationFailedError
from prometheus_client import REGISTRY

from kit.kafka.events import is_undecodable
from kit.kafka.polling import TRIES
from tests.unit.kafka.fakes import Numbered
from tests.unit.kafka.simulation import FOR_EVER, PARTITIONS, Group, Member
from tests.unit.kafka.test_rebalance import Workload, upheave

KEYS = 40
BAD = PARTITIONS[2]


async def until_parked(group: Group, count: int) -> None:
    async with asyncio.timeout(20):
        while len(group.parked) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def member_of(group: Group) -> Member:
    async def handle(event: Numbered) -> None:
        group.starts(group.records[event.n])
        await asyncio.sleep(0)
        group.ends(group.records[event.n])

    return Member(group, handle)


def produce(group: Group, first: int, count: int) -> None:
    for n in range(first, first + count):
        group.produce(n, f"key{n % KEYS}")


@pytest.mark.parametrize("delivered", [0, 12], ids=["at the first poll", "later"])
async def test_what_a_failed_poll_had_in_hand_is_fetched_again(delivered: int) -> None:
    group = Group(1)
    produce(group, 0, delivered)
    member = member_of(group)
    await member.join()
    await group.settle()
    spoiled = group.spoil(BAD)
    produce(group, delivered, 12)  # few enough for one poll
    await until_parked(group, 1)
    produce(group, delivered + 12, 60)  # a commit of these would hide the loss
    await group.settle()
    await member.leave()
    assert group.faults == []
    assert group.lost == 0
    assert group.settled
    assert [int(letter["x-dead-letter-offset"]) for letter in group.parked] == [spoiled]


async def test_it_goes_on_where_an_earlier_owner_left_off() -> None:
    group = Group(4)
    produce(group, 0, 100)
    first = member_of(group)
    await first.join()
    await group.settle()
    await first.leave()
    runs = group.runs
    group.spoil(BAD)
    produce(group, 100, 100)
    second = member_of(group)
    await second.join()
    await group.settle()
    await second.leave()
    assert group.faults == []
    assert group.settled
    assert group.runs == runs + 100


async def test_the_letter_tells_where_it_was_and_the_records_around_it_are_handled() -> None:
    group = Group(2)
    produce(group, 0, 60)
    spoiled = group.spoil(BAD)
    produce(group, 60, 60)
    before = _failures()
    member = member_of(group)
    await member.join()
    await group.settle()
    assert member.subscriber.health()
    await member.leave()
    assert group.settled
    assert _failures() >= before + TRIES
    (letter,) = group.parked
    assert letter["x-dead-letter-reason"] == "not_readable"
    assert (letter["x-dead-letter-topic"], letter["x-dead-letter-partition"]) == (BAD.topic, str(BAD.partition))
    assert letter["x-dead-letter-offset"] == str(spoiled)
    assert "x-dead-letter-truncated" in letter  # there is nothing to replay


async def test_a_row_of_them_is_passed_over_one_by_one() -> None:
    group = Group(3)
    spoiled = [group.spoil(tp) for tp in (BAD, BAD, PARTITIONS[4], BAD)]
    produce(group, 0, 100)
    member = member_of(group)
    await member.join()
    await group.settle()
    await member.leave()
    assert group.settled
    assert sorted(int(letter["x-dead-letter-offset"]) for letter in group.parked) == sorted(spoiled)


async def test_what_can_be_read_after_all_is_not_passed_over() -> None:
    group = Group(5)
    produce(group, 0, 100)
    group.spoiled[BAD][group.log[BAD][0].offset] = TRIES  # the first of them in a poll of all
    member = member_of(group)
    await member.join()
    await group.settle()
    await member.leave()
    assert group.settled
    assert group.parked == []


async def test_what_kafka_cannot_give_us_now_is_waited_for_while_the_others_go_on() -> None:
    group = Group(6)
    group.error = CorruptRecordException("Invalid CRC")
    produce(group, 0, 100)
    withheld = group.log[BAD][0].offset
    group.spoiled[BAD][withheld] = FOR_EVER
    before = _failures()
    member = member_of(group)
    await member.join()
    async with asyncio.timeout(20):
        while group.lost > len(group.log[BAD]) or _failures() < before + 2 * TRIES:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert not member.subscriber._poller.well  # so that liveness tells in the end
    assert group.parked == []
    group.spoiled[BAD].clear()
    await group.settle()
    assert member.subscriber._poller.well
    await member.leave()
    assert group.faults == []
    assert group.settled
    assert group.parked == []


@pytest.mark.parametrize("seed", range(3))
async def test_rebalances_between_failed_polls_lose_nothing(seed: int) -> None:
    group = Group(seed)
    workload = Workload(group, seed)
    members = [Member(group, workload)]
    await members[0].join()
    for n in range(400):
        group.produce(n, f"key{n % KEYS}")
        if n % 50 == 0:
            await upheave(group, members, workload)
        if n % 80 == 7:
            group.spoil(group.random.choice(PARTITIONS))
        if n % 10 == 0:
            await asyncio.sleep(0.001)
    await group.settle()
    for member in members:
        await member.leave()
    assert group.faults == []
    assert group.settled
    # Whoever dies after parking one and before committing it leaves it to be parked again, as the same letter.
    assert len({(each["x-dead-letter-partition"], each["x-dead-letter-offset"]) for each in group.parked}) == 5


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "undecodable"),
    [
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, ""), True),
        (_caused(CorruptRecordException("structure"), ValueError()), True),  # aiokafka without its extension
        (CorruptRecordException("Invalid CRC"), False),
        (TopicAuthorizationFailedError(), False),
        (KafkaError(), False),
        (OSError(), False),
        (MemoryError(), False),
    ],
)
def test_only_bytes_that_are_what_was_written_and_make_no_record_are_given_up(
    error: Exception, undecodable: bool
) -> None:
    assert is_undecodable(error) is undecodable


def _failures() -> float:
    return REGISTRY.get_sample_value("thrive_poll_failures_total", {"group": "g"}) or 0.0
