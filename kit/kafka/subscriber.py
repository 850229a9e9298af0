"""The keyed subscriber: at least once, in key order, many events at a time (docs/adr/0002).

It is FastStream's own subscriber to whoever writes a handler; only how records get to it, and when their offsets are
committed, is ours. An offset is committed when everything below it is finished, and a record is finished when what
came of it is durable: published, deferred, failed or parked. Commits happen here and never in a handler.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from faststream._internal.endpoint.subscriber.call_item import CallsCollection
from faststream.kafka.subscriber.config import KafkaSubscriberConfig
from faststream.kafka.subscriber.specification import KafkaSubscriberSpecification
from faststream.kafka.subscriber.usecase import DefaultSubscriber
from faststream.response import Response, ensure_response

from kit.kafka import metrics
from kit.kafka.breaker import Breaker, State
from kit.kafka.events import RecordParser
from kit.kafka.intake import NOWHERE, Intake
from kit.kafka.lanes import Abandoned, Lane, Record, Slot, Slots
from kit.kafka.partition import Partition
from kit.kafka.settlement import Settlement
from kit.settings import KeyedSettings

log = structlog.get_logger()

POLL_MS = 100  # a poll ends as soon as there are records, or after this
POLL_FULL_MS = 10  # the same while a partition is full, as a poll cannot take in one that gets room meanwhile
IDLE = 1.0  # seconds between polls when nothing may be taken
COMMIT_TIMEOUT = 2.0  # seconds; the next round tries again
POLL_LIMIT = 60.0  # seconds after which a poll loop that does not come round, or only fails, counts as dead


@dataclass(frozen=True)
class Health:
    """True while the process should live; `reason` says why not."""

    alive: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.alive


class KeyedSubscriber(DefaultSubscriber):
    def __init__(
        self,
        config: KafkaSubscriberConfig,
        specification: KafkaSubscriberSpecification,
        calls: CallsCollection[Any],
        *,
        settings: KeyedSettings,
        settlement: Settlement,
        breaker: Breaker,
        parser: RecordParser,
    ) -> None:
        config.listener = _Rebalance(self)
        super().__init__(config, specification, calls)
        self.parser = parser
        self._parser = parser.parse_message
        self._decoder = parser.decode_message
        self.group = config.group_id or ""
        self.breaker = breaker
        self.slots = Slots(settings.concurrency, breaker.admit, self._start)
        self._settings = settings
        self._settlement = settlement
        self._parts: dict[TopicPartition, Partition] = {}
        self._intake = Intake(self.group, self._parts, self._deliver)
        self._room_made = asyncio.Event()
        self._commit_lock = asyncio.Lock()
        self._polled_at = time.monotonic()

    # -- records to handlers

    async def start(self) -> None:
        await super().start()
        self._polled_at = time.monotonic()
        self.add_task(self._commit_loop)

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
            await consumer.getmany(NOWHERE, timeout_ms=0)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(IDLE, self.breaker.reopens_in or IDLE)):
                    await self._room_made.wait()
            self._polled_at = time.monotonic()
            return
        # One joint call. Its limit is the smallest room, so no partition can overflow while others are drained; one
        # that was given its fill is left out of the next call, so none starves the keys of the others.
        limit = 1 if self.breaker.state is not State.CLOSED else min(room.values())
        wait = POLL_MS if len(room) == len(self._parts) else POLL_FULL_MS
        await self._intake.poll(consumer, list(room), wait_ms=wait, max_records=limit)
        if self._intake.well:
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
            part.abandon()
            part = self._parts[tp] = Partition(tp)
        for record in records:
            if lane := part.offer(record):
                self.slots.add(lane)

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
        return max(1, self._quota // 4)

    def _start(self, lane: Lane, slot: Slot) -> None:
        tasks = lane.partition.tasks
        task = asyncio.create_task(self._run(lane, slot))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _run(self, lane: Lane, slot: Slot) -> None:
        part, record = lane.partition, lane.queue[0]
        try:
            await self._settlement.settle(record, self._attempt, partial(slot.pause, gone=part.gone))
        except Abandoned:
            self.breaker.withdraw()
        except BaseException:
            self.breaker.withdraw()
            raise
        else:
            self._finish(lane, record)
        finally:
            slot.release()

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
        """TestKafkaBroker enters here: the same settlement, without lanes."""
        return await self._settlement.settle(msg, self._attempt, asyncio.sleep) or ensure_response(None)

    # -- offsets

    async def _commit_loop(self) -> None:
        while self.running:
            await asyncio.sleep(self._settings.commit_interval.total_seconds())
            await self._commit(list(self._parts.values()))

    async def _commit(self, parts: Iterable[Partition]) -> None:
        async with self._commit_lock:
            due = [(part, state) for part in parts if (state := part.commitable())]
            if not due or self.consumer is None:
                return
            try:
                async with asyncio.timeout(COMMIT_TIMEOUT):
                    await self.consumer.commit({part.tp: state for part, state in due})
            except (KafkaError, TimeoutError) as error:
                metrics.COMMIT_FAILURES.labels(self.group).inc()
                log.warning("commit failed", group=self.group, error_class=type(error).__name__)
            else:
                for part, state in due:
                    part.committed = state

    # -- comings and goings

    async def assigned(self, tps: Collection[TopicPartition]) -> None:
        """Take up the partitions where their last owner left them, as its commit tells."""
        stored: Mapping[TopicPartition, Any] = {}
        try:
            # No heartbeat is sent meanwhile.
            async with asyncio.timeout(self._settings.session_timeout.total_seconds() / 2):
                # The consumer's own `committed()` leaves the metadata out.
                stored = await self.consumer._coordinator.fetch_committed_offsets(list(tps))  # type: ignore[union-attr]
        except (KafkaError, TimeoutError) as error:
            log.warning("progress not read", group=self.group, error_class=type(error).__name__)
        for tp in tps:
            known = stored.get(tp)
            self._parts[tp] = Partition(tp, known.offset, known.metadata) if known else Partition(tp)
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
        tasks = [task for part in parts for task in part.tasks]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                task.cancel()
            if late:
                log.warning("handlers cancelled", group=self.group, count=len(late))
                await asyncio.wait(late, timeout=1)
        await self._commit(parts)

    # -- what others may know

    def partitions_now(self) -> list[Partition]:
        return list(self._parts.values())

    def lag(self, part: Partition) -> int:
        """Records between the watermark and the end of the partition as last fetched."""
        try:
            end = self.consumer.highwater(part.tp) if self.consumer else None
        except IllegalStateError:
            return 0
        watermark = part.tracker.watermark
        return 0 if end is None or watermark is None else max(0, end - watermark)

    def health(self) -> Health:
        """For liveness: the poll loop comes round, and no record stands in the way for longer than all its tries."""
        if not self.running:
            return Health(False, "not running")
        if time.monotonic() - self._polled_at > POLL_LIMIT:
            return Health(False, "polls fail, or the poll loop stands still")
        tries = self._settings.handler_timeout.total_seconds() * (self._settings.max_retries + 1) + POLL_LIMIT
        stuck = [part.tp for part in self._parts.values() if part.stalled_for > tries]
        return Health(False, f"no progress in {stuck[0]}") if stuck else Health(True)


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, subscriber: KeyedSubscriber) -> None:
        self._subscriber = subscriber

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        await self._subscriber.revoked(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        await self._subscriber.assigned(assigned)
