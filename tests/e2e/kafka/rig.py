"""The contract suite's hold on Kafka: topics of its own, producers, readers, and members as processes."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from kit.kafka import ensure_topics
from kit.settings import KafkaSettings
from schemas.journey import Topic, dead_letters
from tests.unit.kafka.fakes import Numbered

ROOT = Path(__file__).parents[3]
PARTITIONS = 6
SETTINGS: dict[str, Any] = {
    "session_timeout": 3,
    "commit_interval": 0.2,
    "revoke_timeout": 3,
    "max_retries": 1_000,
}


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 60) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 (another process's doing)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what}") from None


class Member:
    """A consuming process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill9(self) -> None:
        self.process.kill()
        self.process.wait()

    async def terminate(self) -> int:
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, 60)


class Rig:
    def __init__(self, bootstrap: str, prefix: str, folder: Path) -> None:
        self.kafka = KafkaSettings(kafka_bootstrap_servers=bootstrap)
        self.topic, self.out, self.group = f"{prefix}in", f"{prefix}out", f"{prefix}group"
        self.stage = f"{prefix}stage"
        names = (self.topic, self.out, dead_letters(self.stage))
        self.topics = [Topic(name, PARTITIONS, timedelta(days=1), 4_259_840) for name in names]
        self.journal = folder / "journal"
        self.journal.touch()
        self.members: list[Member] = []
        self._options = {"bootstrap_servers": bootstrap}

    async def __aenter__(self) -> "Rig":
        await ensure_topics(self.kafka, self.topics)
        return self

    async def __aexit__(self, *_: object) -> None:
        for member in self.members:
            if member.process.poll() is None:
                member.kill9()

    # -- what goes in

    async def produce(self, events: Iterable[Numbered], *, topic: str | None = None) -> None:
        values = [(event.key, event.model_dump_json().encode()) for event in events]
        await self.produce_raw(values, topic=topic)

    async def produce_raw(
        self,
        records: Iterable[tuple[bytes | None, bytes | None]],
        *,
        topic: str | None = None,
        headers: tuple[tuple[str, bytes], ...] = (),
        compression_type: str | None = None,
    ) -> None:
        producer = AIOKafkaProducer(
            **self._options, max_request_size=10_000_000, enable_idempotence=True, compression_type=compression_type
        )
        await producer.start()
        try:
            sent = [await producer.send(topic or self.topic, v, key=k, headers=list(headers)) for k, v in records]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    @asynccontextmanager
    async def load(self, keys: int) -> AsyncIterator[list[int]]:
        """Keeps the topic busy while the context lasts; the list holds the numbers that were sent, from 1 on."""
        producer = AIOKafkaProducer(**self._options, enable_idempotence=True)
        await producer.start()
        sent: list[int] = []
        enough = asyncio.Event()

        async def feed() -> None:
            for n in itertools.takewhile(lambda _: not enough.is_set(), itertools.count(1)):
                event = Numbered.make(n, f"key{n % keys}")
                await producer.send_and_wait(self.topic, event.model_dump_json().encode(), key=event.key)
                sent.append(n)
                await asyncio.sleep(0.003)

        feeder = asyncio.create_task(feed())
        try:
            yield sent
        finally:
            enough.set()
            await feeder
            await producer.stop()

    # -- who handles it

    def spawn(
        self,
        *,
        mean_seconds: float = 0.0,
        fail_once: Iterable[int] = (),
        fail: Iterable[int] = (),
        retry_after: float | None = None,
        assigned_late: float = 0.0,
        deadly: Iterable[int] = (),
        **settings: Any,
    ) -> Member:
        """The events that it is to `fail` it tries again for as long as they are its own; of the `deadly` it dies."""
        config = {
            "bootstrap": self.kafka.kafka_bootstrap_servers,
            "topic": self.topic,
            "out": self.out,
            "group": self.group,
            "stage": self.stage,
            "journal": str(self.journal),
            "mean_seconds": mean_seconds,
            "fail_once": list(fail_once),
            "fail": list(fail),
            "retry_after": retry_after,
            "assigned_late": assigned_late,
            "deadly": list(deadly),
            "settings": SETTINGS | settings,
        }
        path = os.pathsep.join(filter(None, (os.environ.get("THRIVE_MUTANT"), str(ROOT))))
        member = Member(
            subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.kafka.member", json.dumps(config)],
                cwd=self.journal.parent,
                env=os.environ | {"PYTHONPATH": path},
            )
        )
        self.members.append(member)
        return member

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator[None]:
        """Another member of the group, that gets its share and does nothing about it."""
        consumer = AIOKafkaConsumer(self.topic, **self._options, group_id=self.group, enable_auto_commit=False)
        await consumer.start()
        try:

            async def shares() -> bool:
                return 0 < len(consumer.assignment()) < PARTITIONS

            await until(shares, "a share of the partitions")
            yield
        finally:
            await consumer.stop()

    # -- what came of it

    def noted(self, what: str, member: Member | None = None) -> list[int]:
        """The numbers in the journal's lines of this kind, in order."""
        lines = [line.split() for line in self.journal.read_text().splitlines()]
        return [int(n) for kind, pid, n in lines if kind == what and (member is None or member.pid == int(pid))]

    async def until_noted(self, count: int, what: str, member: Member | None = None) -> None:
        async def enough() -> bool:
            for known in self.members:
                assert known.process.poll() in (None, 0, -9), "a member crashed"
            return len(self.noted(what, member)) >= count

        await until(enough, f"{count} x {what}")

    async def read(self, topic: str) -> list[Any]:
        """Every record of the topic."""
        consumer = AIOKafkaConsumer(**self._options)
        await consumer.start()
        try:
            await consumer._client._wait_on_metadata(topic)
            tps = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            ends = await consumer.end_offsets(tps)
            records: list[Any] = []
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for found in (await consumer.getmany(timeout_ms=200)).values():
                    records += found
            return records
        finally:
            await consumer.stop()

    async def published(self) -> list[Numbered]:
        return [Numbered.model_validate_json(record.value) for record in await self.read(self.out)]

    async def ends(self) -> dict[TopicPartition, int]:
        consumer = AIOKafkaConsumer(**self._options)
        await consumer.start()
        try:
            return dict(await consumer.end_offsets([TopicPartition(self.topic, p) for p in range(PARTITIONS)]))
        finally:
            await consumer.stop()

    async def committed(self) -> dict[TopicPartition, int]:
        admin = AIOKafkaAdminClient(**self._options)
        await admin.start()
        try:
            return {tp: o.offset for tp, o in (await admin.list_consumer_group_offsets(self.group)).items()}
        finally:
            await admin.close()

    async def has_committed(self, records: int) -> bool:
        return sum((await self.committed()).values()) >= records

    async def until_committed(self, ends: dict[TopicPartition, int] | None = None) -> None:
        """Until the committed offsets are the ends of the log, or as told."""
        wanted = {tp: end for tp, end in (ends or await self.ends()).items() if end}

        async def reached() -> bool:
            committed = await self.committed()
            return all(committed.get(tp, 0) >= end for tp, end in wanted.items())

        await until(reached, f"offsets {wanted}")


def order_faults(events: list[Numbered]) -> list[str]:
    """Where the first appearances of a key's numbers do not rise. Repeats of a number are no fault."""
    seen: set[int] = set()
    last: Counter[str] = Counter()
    faults = []
    for event in events:
        if event.n in seen:
            continue
        seen.add(event.n)
        if event.n < last[event.url]:
            faults.append(f"{event.n} after {last[event.url]}")
        last[event.url] = event.n
    return faults


def numbered(count: int, keys: int) -> list[Numbered]:
    return [Numbered.make(n, f"key{n % keys}") for n in range(1, count + 1)]
