"""The keyed subscriber: at least once, in key order, many events at a time (docs/adr/0002).

It is FastStream's own subscriber to whoever writes a handler; only how records get to it, and when their offsets are
committed, is ours. An offset is committed when everything below it is finished, and a record is finished when what
came of it is durable: published, deferred, failed or parked. Commits happen here and never in a handler.
"""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from faststream._internal.endpoint.subscriber.call_item import CallsCollection
from faststream.kafka.subscriber.config import KafkaSubscriberConfig
from faststream.kafka.subscriber.specification import KafkaSubscriberSpecification
from faststream.kafka.subscriber.usecase import DefaultSubscriber
from faststream.response import Response, ensure_response

from kit.kafka import metrics, offsets
from kit.kafka.breaker import Breaker, State
from kit.kafka.commits import Commits
from kit.kafka.company import Company
from kit.kafka.events import RecordParser
from kit.kafka.health import Health, health
from kit.kafka.partition import Lane, Partition, Record
from kit.kafka.polling import NO_PARTITION, Poller
from kit.kafka.processing import RecordProcessor
from kit.kafka.runner import LaneRunner
from kit.kafka.slots import Slots
from kit.kafka.takeover import Groups, Rebalances, Takeover
from kit.settings import KeyedSettings

log = structlog.get_logger()

POLL_MS = 100  # a poll ends as soon as there are records, or after this
POLL_FULL_MS = 10  # the same while a partition is full, as a poll cannot take in one that gets room meanwhile
IDLE = 1.0  # seconds between polls when nothing may be taken
ENDS_INTERVAL = 5.0  # seconds between questions for the ends of the logs


class KeyedSubscriber(DefaultSubscriber):
    def __init__(
        self,
        config: KafkaSubscriberConfig,
        specification: KafkaSubscriberSpecification,
        calls: CallsCollection[Any],
        *,
        settings: KeyedSettings,
        processor: RecordProcessor,
        breaker: Breaker,
        parser: RecordParser,
        company: Company,
        groups: Groups | None,
    ) -> None:
        config.listener = Rebalances(self.assigned, self.revoked)
        super().__init__(config, specification, calls)
        self.parser = parser
        self._parser = parser.parse_message
        self._decoder = parser.decode_message
        self.group = config.group_id or ""
        self.breaker = breaker
        self._settings = settings
        self._processor = processor
        self._parts: dict[TopicPartition, Partition] = {}
        self._poller = Poller(self.group, self._parts, self._deliver, self._relocate)
        self._commits = Commits(self.group, lambda: self.consumer)
        runner = LaneRunner(self.group, settings, processor, self._commits, self._attempt, self._finish)
        self.slots = Slots(settings.concurrency, breaker.admit, runner.start, company, runner.company)
        # No heartbeat is sent while partitions are taken up.
        self._patience = settings.session_timeout.total_seconds() / 2
        self._takeover = Takeover(self.group, groups, patience=self._patience, max_uncommitted=settings.max_uncommitted)
        self._room_made = asyncio.Event()
        self._polled_at = time.monotonic()

    # -- records to handlers

    async def start(self) -> None:
        await super().start()
        self._polled_at = time.monotonic()
        self.add_task(self._commit_loop)
        self.add_task(self._ends_loop)

    async def _run_consume_loop(self, consumer: AIOKafkaConsumer) -> None:
        while self.running:
            try:
                await self._poll(consumer)
            except ConsumerStoppedError:
                return
            except Exception as error:
                # FastStream would start a broken loop again at once, for ever and in silence.
                metrics.POLL_FAILURES.labels(self.group).inc()
                log.error("poll failed", group=self.group, error_class=type(error).__name__)
                await asyncio.sleep(IDLE)

    async def _poll(self, consumer: AIOKafkaConsumer) -> None:
        self.slots.pump()  # the breaker may be ready for a probe
        self._room_made.clear()
        room = self._room()
        if not room:
            await consumer.getmany(NO_PARTITION, timeout_ms=0)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(IDLE, self.breaker.reopens_in or IDLE)):
                    await self._room_made.wait()
            self._polled_at = time.monotonic()
            return
        # One joint call. Its limit is the smallest room, so no partition can overflow while others are drained; one
        # that was given its fill is left out of the next call, so none starves the keys of the others.
        limit = 1 if self.breaker.state is not State.CLOSED else min(room.values())
        wait = POLL_MS if len(room) == len(self._parts) else POLL_FULL_MS
        await self._poller.poll(consumer, list(room), wait_ms=wait, max_records=limit)
        if self._poller.well:
            self._polled_at = time.monotonic()

    def _deliver(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: list[Record]) -> None:
        part = self._parts.get(tp)
        if part is None:
            # A poll that slept through a rebalance returns records of the new assignment before we were told of it.
            # Dropping them would let the watermark step over them.
            with suppress(IllegalStateError):  # taken away again already
                consumer.seek(tp, records[0].offset)
            return
        if not self.running:
            return
        if part.tracker.rewinds(records[0].offset):
            part = self._replace(Partition(tp))
        for record in records:
            if lane := part.offer(record):
                self.slots.add(lane)

    async def _relocate(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> bool:
        part = self._parts[tp]
        found = await self._takeover.relocate(consumer, part)
        if found is not None and found is not part and self._parts.get(tp) is part:
            self._replace(found)
        return found is not None

    def _replace(self, part: Partition) -> Partition:
        """The log is another one: what was begun of the old may end, and counts no more."""
        self._parts[part.tp].abandon()
        self._parts[part.tp] = part
        return part

    def _room(self) -> dict[TopicPartition, int]:
        """How many records each partition may be given; the full ones are left out."""
        if not self.breaker.wants_work:
            return {}
        rooms = ((part.tp, self._free(part)) for part in self._parts.values())
        return {tp: free for tp, free in rooms if free >= self._worthwhile}

    def _free(self, part: Partition) -> int:
        tracker = part.tracker
        return min(self._quota - tracker.unfinished, self._settings.max_uncommitted - tracker.span)

    @property
    def _quota(self) -> int:
        return max(1, self._settings.max_buffered // max(1, len(self._parts)))

    @property
    def _worthwhile(self) -> int:
        return max(1, min(self._quota, self._settings.max_uncommitted) // 4)

    def _finish(self, lane: Lane, record: Record) -> None:
        part = lane.partition
        if more := part.complete(lane, record):
            self.slots.add(more)
        if self._free(part) >= self._worthwhile:
            self._room_made.set()
        metrics.EVENT_AGE_SECONDS.labels(self.group, record.topic).observe(time.time() - record.timestamp / 1000)

    async def _attempt(self, record: Record) -> Response:
        with metrics.HANDLER_SECONDS.labels(self.group, record.topic).time():
            return await super().process_message(record)

    async def process_message(self, msg: Record) -> Response:
        """TestKafkaBroker enters here: the same processor, without lanes."""
        return await self._processor.process(msg, self._attempt, asyncio.sleep) or ensure_response(None)

    # -- offsets

    async def _commit_loop(self) -> None:
        while self.running:
            await asyncio.sleep(self._settings.commit_interval.total_seconds())
            await self._commits.commit(self.partitions_now())

    async def _ends_loop(self) -> None:
        """Also while nothing is polled, when no fetch tells of the ends."""
        while self.running:
            parts = {part.tp: part for part in self.partitions_now()}
            if self.consumer is not None:
                for tp, end in (await offsets.ends(self.consumer, parts)).items():
                    parts[tp].end = end
            await asyncio.sleep(ENDS_INTERVAL)

    # -- comings and goings

    async def assigned(self, tps: Collection[TopicPartition]) -> None:
        """Take up the partitions where their last owner left them, and say so before anything of them is begun."""
        parts = await self._takeover.take_up(self.consumer, tps)
        await self._commits.commit(parts, self._patience / 4)
        self._parts.update({part.tp: part for part in parts})
        self._room_made.set()

    async def revoked(self, tps: Collection[TopicPartition]) -> None:
        """Let go: nothing new starts, what runs may end, what ended is committed."""
        parts = [part for tp in tps if (part := self._parts.pop(tp, None))]
        await self._let_go(parts, self._settings.revoke_timeout.total_seconds())

    async def stop(self) -> None:
        """Drain, commit, leave the group."""
        if self.running:
            self.running = False
            await self._let_go(list(self._parts.values()), self._settings.drain_timeout.total_seconds())
        await super().stop()
        self._parts.clear()

    async def _let_go(self, parts: list[Partition], patience: float) -> None:
        for part in parts:
            part.abandon()
        self.slots.pump()  # nobody waits for these any more
        tasks = [task for part in parts for task in part.tasks]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                task.cancel()
            if late:
                log.warning("handlers cancelled", group=self.group, count=len(late))
                await asyncio.wait(late, timeout=1)
        for part in parts:
            part.closed = all(task.done() for task in part.tasks)
        await self._commits.commit(parts)

    # -- what others may know

    def partitions_now(self) -> list[Partition]:
        return list(self._parts.values())

    def health(self) -> Health:
        """For liveness: the poll loop comes round, and neither a record nor the breaker stands in the way for good."""
        if not self.running:
            return Health(False, "not running")
        tries = self._settings.handler_timeout.total_seconds() * (self._settings.max_retries + 1)
        return health(self._polled_at, tries, self.breaker, self.partitions_now())
