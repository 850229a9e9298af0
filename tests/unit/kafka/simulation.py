"""A consumer group without Kafka, seeded, with the traps of the real one.

As in aiokafka, records of a new assignment can be fetched before `on_partitions_assigned` is called, and a poll that
slept through the rebalance returns them; and a poll that meets a record that cannot be decoded, or a position that the
log does not have, raises, hands over nothing, and has moved the other partitions on. As in Kafka, a commit is refused
unless its sender owns the partition.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata

from kit.kafka import KeyedSubscriber, keyed, make_broker
from kit.kafka.takeover import Groups
from kit.settings import KafkaSettings, KeyedSettings
from tests.unit.kafka.fakes import Numbered, RecordingFailures, record

TOPIC = "numbered"
FOR_EVER = 1_000_000
PARTITIONS = [TopicPartition(TOPIC, partition) for partition in range(6)]
SETTINGS = KeyedSettings(
    concurrency=20,
    max_buffered=120,
    max_uncommitted=60,
    commit_interval=timedelta(seconds=0.005),
    revoke_timeout=timedelta(seconds=0.02),
    drain_timeout=timedelta(seconds=0.05),
    retry_backoff=timedelta(seconds=0.002),
)


class Group:
    """The log, the coordinator, and the judge of what the members do."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.log: dict[TopicPartition, list[Any]] = {tp: [] for tp in PARTITIONS}
        self.records: dict[int, Any] = {}  # by the number in the event
        self.committed: dict[TopicPartition, OffsetAndMetadata] = {}
        self.members: list[FakeConsumer] = []
        self.finished: dict[TopicPartition, set[int]] = defaultdict(set)
        self.spoiled: dict[TopicPartition, dict[int, int]] = defaultdict(dict)  # how often a fetch of it still fails
        self.error: Exception = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")  # how it fails
        self.parked: list[dict[str, str]] = []  # headers of dead letters
        self.starts_at: dict[TopicPartition, int] = defaultdict(int)  # below it, the retention has ended
        self.commits_fail = False
        self.commits = 0
        self.runs = 0
        self.faults: list[str] = []
        self._rebalancing = asyncio.Lock()

    def produce(self, n: int, key: str) -> None:
        tp = PARTITIONS[sum(key.encode()) % len(PARTITIONS)]
        log = self.log[tp]
        offset = (log[-1].offset if log else -1) + self.random.choice((1, 1, 1, 2, 5))  # logs have gaps
        event = Numbered.make(n, key)
        value = event.model_dump_json().encode()
        self.records[n] = record(
            value,
            topic=TOPIC,
            partition=tp.partition,
            offset=offset,
            key=event.key,
            timestamp=1_000 + len(self.records),
        )
        log.append(self.records[n])
        for member in self.members:
            member.wake.set()

    def spoil(self, tp: TopicPartition) -> int:
        """Append a record that no consumer can decode; returns its offset."""
        log = self.log[tp]
        offset = log[-1].offset + 1 if log else 0
        log.append(record(b"", topic=TOPIC, partition=tp.partition, offset=offset))
        self.spoiled[tp][offset] = FOR_EVER
        return offset

    def begin_anew(self) -> None:
        """As where a topic was deleted and made again: its log is empty, and begins at 0."""
        for tp, log in self.log.items():
            log.clear()
            self.finished[tp].clear()

    def end(self, tp: TopicPartition) -> int:
        return self.log[tp][-1].offset + 1 if self.log[tp] else self.starts_at[tp]

    async def rebalance(self) -> None:
        async with self._rebalancing:
            old = list(self.members)
            for member in old:
                member.ready.clear()
            await asyncio.gather(*(member.listener.on_partitions_revoked(member.tps) for member in old))
            members = list(self.members)
            self.random.shuffle(members)
            for at, member in enumerate(members):
                member.take({tp for i, tp in enumerate(PARTITIONS) if i % len(members) == at})
            for _ in range(self.random.randint(1, 5)):
                await asyncio.sleep(0)
            await asyncio.gather(*(member.listener.on_partitions_assigned(member.tps) for member in members))

    def starts(self, handled: Any) -> None:
        self.runs += 1
        tp = TopicPartition(handled.topic, handled.partition)
        before = [r.offset for r in self.log[tp] if r.key == handled.key and r.offset < handled.offset]
        if not set(before) <= self.finished[tp]:
            self.faults.append(f"order: {tp} {handled.offset}")

    def ends(self, handled: Any) -> None:
        self.finished[TopicPartition(handled.topic, handled.partition)].add(handled.offset)

    def commit(self, tp: TopicPartition, state: tuple[int, str]) -> None:
        offset, metadata = state
        if not {r.offset for r in self.log[tp] if r.offset < offset} <= self.finished[tp]:
            self.faults.append(f"commit past an unfinished record: {tp} {offset}")
        self.committed[tp] = OffsetAndMetadata(offset, metadata)

    @property
    def lost(self) -> int:
        return sum(len({r.offset for r in log} - self.finished[tp]) for tp, log in self.log.items())

    @property
    def settled(self) -> bool:
        """Everything is handled and committed."""
        return not self.lost and all(
            not log or self.committed.get(tp, OffsetAndMetadata(0, "")).offset == log[-1].offset + 1
            for tp, log in self.log.items()
        )

    async def settle(self) -> None:
        """Until everything is handled and committed, or something is wrong."""
        async with asyncio.timeout(20):
            while not self.settled and not self.faults:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


class FakeConsumer:
    """What the subscriber needs of an AIOKafkaConsumer."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.tps: set[TopicPartition] = set()
        self.positions: dict[TopicPartition, int | None] = {}
        self.ready = asyncio.Event()
        self.wake = asyncio.Event()
        self._coordinator = self
        self._commit_lock = asyncio.Lock()

    @property
    def _subscription(self) -> Any:
        return SimpleNamespace(subscription=SimpleNamespace(assignment=SimpleNamespace(tps=self.tps)))

    def subscribe(self, *, listener: Any, **_: Any) -> None:
        self.listener = listener

    async def start(self) -> None:
        self.group.members.append(self)
        await self.group.rebalance()

    async def stop(self) -> None:
        if self in self.group.members:
            self.group.members.remove(self)

    def take(self, tps: set[TopicPartition]) -> None:
        self.tps = tps
        self.positions = {tp: known.offset if (known := self.group.committed.get(tp)) else None for tp in tps}
        self.ready.set()
        self.wake.set()

    async def ensure_coordinator_known(self) -> None:
        pass

    async def _do_commit_offsets(self, _assignment: Any, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        self.group.commits += 1
        if self.group.commits_fail:
            raise CommitFailedError
        await asyncio.sleep(0)
        if self not in self.group.members or not offsets.keys() <= self.tps:
            raise CommitFailedError
        for tp, state in offsets.items():
            self.group.commit(tp, (state.offset, state.metadata))

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        await asyncio.sleep(0)
        return {tp: self.group.starts_at[tp] for tp in tps}

    async def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        await asyncio.sleep(0)
        return {tp: self.group.end(tp) for tp in tps}

    async def offsets_for_times(self, times: dict[TopicPartition, int]) -> dict[TopicPartition, Any]:
        return {
            tp: next((SimpleNamespace(offset=r.offset) for r in self.group.log[tp] if r.timestamp >= time), None)
            for tp, time in times.items()
        }

    async def getmany(self, *tps: TopicPartition, timeout_ms: int, max_records: int | None = None) -> dict[Any, Any]:
        while True:
            await self.ready.wait()
            found: dict[TopicPartition, list[Any]] = {}
            left = max_records or 1_000
            # Worst first for whoever trusts a failed poll: what is fine has been drained when the spoiled is met.
            for tp in sorted((tp for tp in tps if tp in self.tps), key=lambda tp: bool(self.group.spoiled[tp])):
                fetched = [r for r in self.group.log[tp] if r.offset >= self._checked(tp)][:left]
                self._decode(tp, fetched)
                if fetched:
                    found[tp] = fetched
                    self.positions[tp] = fetched[-1].offset + 1
                    left -= len(fetched)
                if not left:
                    break
            if found or not timeout_ms:
                return found
            self.wake.clear()
            try:
                async with asyncio.timeout(timeout_ms / 1000):
                    await self.wake.wait()
            except TimeoutError:
                return {}

    def _checked(self, tp: TopicPartition) -> int:
        position = self.positions[tp]
        if position is None:
            raise NoOffsetForPartitionError(tp)
        if not self.group.starts_at[tp] <= position <= self.group.end(tp):
            raise OffsetOutOfRangeError({tp: position})
        return position

    def _decode(self, tp: TopicPartition, fetched: list[Any]) -> None:
        for offset in (each.offset for each in fetched):
            if self.group.spoiled[tp].get(offset):
                self.group.spoiled[tp][offset] -= 1
                raise self.group.error

    async def position(self, tp: TopicPartition) -> int | None:
        if tp not in self.tps:
            raise IllegalStateError
        return self.positions[tp]

    async def committed(self, tp: TopicPartition) -> int | None:
        await asyncio.sleep(0)
        return self.group.committed[tp].offset if tp in self.group.committed else None

    async def seek_to_beginning(self, tp: TopicPartition) -> None:
        self.seek(tp, self.group.starts_at[tp])

    def seek(self, tp: TopicPartition, offset: int) -> None:
        if tp not in self.tps:
            raise IllegalStateError
        self.positions[tp] = offset

    async def fetch_committed_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        await asyncio.sleep(0)
        return {tp: self.group.committed[tp] for tp in tps if tp in self.group.committed}


class Member:
    """One process: a real subscriber on a fake consumer."""

    def __init__(
        self,
        group: Group,
        handle: Callable[[Numbered], Any],
        settings: KeyedSettings = SETTINGS,
        groups: Groups | None = None,
    ) -> None:
        self.group = group
        self.broker = make_broker(KafkaSettings(), client_id="member")
        self.broker.config.broker_config.builder = lambda **_: FakeConsumer(group)
        self.broker._setup_logger()
        self.broker.publish = self._publish  # type: ignore[method-assign, assignment]
        self.failures = RecordingFailures()
        self.subscriber: KeyedSubscriber = keyed(
            self.broker, TOPIC, group_id="g", stage="stage", settings=settings, failures=self.failures,
            events={TOPIC: Numbered}, groups=groups,
        )  # fmt: skip

        @self.subscriber
        async def on_numbered(event: Numbered) -> None:
            await handle(event)

    async def _publish(self, _value: Any, topic: str, *, headers: dict[str, str], **_: Any) -> None:
        """Dead letters are all that a member publishes."""
        tp = TopicPartition(TOPIC, int(headers["x-dead-letter-partition"]))
        self.group.parked.append(headers)
        self.group.finished[tp].add(int(headers["x-dead-letter-offset"]))

    async def join(self) -> None:
        await self.subscriber.start()

    async def leave(self) -> None:
        await self.subscriber.stop()
        await self.group.rebalance()

    async def die(self) -> None:
        """As after kill -9: nothing more of it happens, and the group finds out."""
        consumer: Any = self.subscriber.consumer
        self.group.members.remove(consumer)
        parts = self.subscriber.partitions_now()
        for part in parts:
            part.gone.set()  # else a slot that is given back by a cancelled record would start the next one
        tasks = [*self.subscriber.tasks, *(t for part in parts for t in part.tasks)]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.group.rebalance()
