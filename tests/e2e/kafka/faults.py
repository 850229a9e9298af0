"""What happens to brokers: they refuse batches, lose the end of a log with their power, leave partitions leaderless."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local import Kafka, Runner
from kit.kafka.topics import configs
from schemas.journey import Topic

HEADER = struct.Struct(">qi")  # of a batch: its first offset, and its length after these


@asynccontextmanager
async def refusing(address: str, *topics: Topic) -> AsyncIterator[None]:
    """As long as this lasts the broker takes no batch for these topics, however small."""
    await _configure(address, {topic.name: configs(topic) | {"max.message.bytes": "10"} for topic in topics})
    try:
        yield
    finally:
        await _configure(address, {topic.name: configs(topic) for topic in topics})


async def _configure(address: str, topics: dict[str, dict[str, str]]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        answers = await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, wanted) for name, wanted in topics.items()]
        )
        assert all(code == 0 for answer in answers for code, *_ in answer.resources), answers
    finally:
        await admin.close()


def cut_power(broker: Runner, *topics: str, batches: int = 1) -> int:
    """SIGKILL, and the latest batches of each partition were never written. How many were lost. Start it again."""
    broker.kill9()
    partitions = [path for name in topics for path in _storage(broker).glob(f"{name}-[0-9]*")]
    return sum(_cut(sorted(path.glob("*.log"))[-1], batches) for path in partitions)


def _storage(broker: Runner) -> Path:
    return broker.engine.data_dir / "data"


def _cut(log: Path, batches: int) -> int:
    data, starts, at = log.read_bytes(), [], 0
    while at + HEADER.size <= len(data):
        _, length = HEADER.unpack_from(data, at)
        if length <= 0 or at + HEADER.size + length > len(data):
            break
        starts.append(at)
        at += HEADER.size + length
    lost = starts[-batches:] if batches else []
    if lost:
        with log.open("r+b") as file:
            file.truncate(lost[0])
    return len(lost)


class SecondBroker(Kafka):
    """Joins the cluster of another one, which is its controller."""

    def __init__(self, first: Kafka, data_dir: Path, port: int, unused: int) -> None:
        super().__init__(data_dir, port, unused, jars_dir=first.jars_dir)
        self._first = first

    def settings(self) -> dict[str, str]:
        ours = super().settings()
        del ours["controller.quorum.voters"]
        return {
            **ours,
            "process.roles": "broker",
            "node.id": "2",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.voters": self._first.settings()["controller.quorum.voters"],
        }

    def cluster_id(self) -> str:
        facts = (self._first.data_dir / "data" / "meta.properties").read_text().splitlines()
        return next(line.removeprefix("cluster.id=") for line in facts if line.startswith("cluster.id="))


async def create_on(address: str, topic: str, leaders: list[int]) -> None:
    """With one replica of each partition: on these brokers, in the order of the partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        placed = {number: [broker] for number, broker in enumerate(leaders)}
        answer = await admin.create_topics([NewTopic(topic, -1, -1, replica_assignments=placed)])
        assert all(code == 0 for _, code, *_ in answer.topic_errors), answer
    finally:
        await admin.close()
