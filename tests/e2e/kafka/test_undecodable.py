"""Records that aiokafka cannot decode, on real Kafka: header names that are not UTF-8."""

import itertools

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from kit.kafka import dead_letters
from tests.e2e.kafka.rig import Rig, until
from tests.unit.kafka.fakes import Numbered

WAVES = 4
WAVE = 60
BAD = 2  # the partition


class NotText(str):
    """The name of a header that is not UTF-8 on the wire."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"\xff\xfe-name"


async def spoil(producer: AIOKafkaProducer, topic: str) -> int:
    """Compressed as the topic is, so that the broker keeps its bytes, and worth compressing. Returns its offset."""
    batch = producer.create_batch()
    # The builder in C takes text only.
    batch._builder = _DefaultRecordBatchBuilderPy(2, _DefaultRecordBatchBuilderPy.CODEC_ZSTD, 0, -1, -1, 0, 65_536)
    batch.append(key=b"key", value=b" " * 1_000, timestamp=None, headers=[(NotText(), b"x")])
    sent = await (await producer.send_batch(batch, topic, partition=BAD))
    return int(sent.offset)


async def test_a_record_that_cannot_be_decoded_costs_no_other(rig: Rig) -> None:
    """A failed poll takes along what it had in hand of the other partitions; what comes later must not hide that.

    Several times, as now and then the poll begins with the record and has nothing else in hand.
    """
    numbers = itertools.count(1)
    spoiled = []
    async with AIOKafkaProducer(
        bootstrap_servers=rig.kafka.kafka_bootstrap_servers, compression_type="zstd"
    ) as producer:
        for _ in range(WAVES):
            spoiled.append(await spoil(producer, rig.topic))
            await rig.produce(Numbered.make(n, f"key{n}") for n in itertools.islice(numbers, WAVE))
            member = rig.spawn()
            await rig.until_committed({TopicPartition(rig.topic, BAD): spoiled[-1] + 1})
            await rig.produce(Numbered.make(n, f"key{n}") for n in itertools.islice(numbers, WAVE))
            await rig.until_committed()
            assert await member.terminate() == 0
    assert sorted(event.n for event in await rig.published()) == list(range(1, 2 * WAVES * WAVE + 1))
    letters = await dead_letters.read(rig.kafka, [rig.stage])
    assert [(each.topic, each.partition, each.offset) for each in letters] == [(rig.topic, BAD, n) for n in spoiled]
    assert {(each.reason, each.key, each.value, each.truncated) for each in letters} == {
        ("not_readable", b"", None, True)
    }


async def test_such_a_record_is_really_refused_by_the_client(rig: Rig) -> None:
    """If this fails, aiokafka has learnt to read them, and the tests here prove nothing any more."""
    producer = AIOKafkaProducer(bootstrap_servers=rig.kafka.kafka_bootstrap_servers, compression_type="zstd")
    consumer = AIOKafkaConsumer(bootstrap_servers=rig.kafka.kafka_bootstrap_servers, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    try:
        await spoil(producer, rig.topic)
        consumer.assign([TopicPartition(rig.topic, BAD)])

        async def refused() -> bool:
            try:
                assert not await consumer.getmany(timeout_ms=200)
            except UnicodeDecodeError:
                return True
            return False

        await until(refused, "the refusal")
    finally:
        await consumer.stop()
        await producer.stop()
