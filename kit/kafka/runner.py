"""Run the records of ready lanes, one task each, and report those that are finished."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from faststream.response import Response

from kit.kafka.commits import Commits
from kit.kafka.partition import Lane, Partition, Record
from kit.kafka.processing import KillsConsumer, Pause, RecordProcessor
from kit.kafka.slots import Abandoned, Slot
from kit.kafka.suspects import company
from kit.settings import KeyedSettings
from kit.tasks import watch

log = structlog.get_logger()

MAX_PAUSE = 10.0  # seconds before processing that failed of a bug begins anew


class LaneRunner:
    """`attempt` calls the handler; `finished` is told of each record whose fate is durable."""

    def __init__(
        self,
        group: str,
        settings: KeyedSettings,
        processor: RecordProcessor,
        commits: Commits,
        attempt: Callable[[Record], Awaitable[Response]],
        finished: Callable[[Lane, Record], None],
    ) -> None:
        self._group = group
        self._settings = settings
        self._processor = processor
        self._commits = commits
        self._attempt = attempt
        self._finished = finished

    def company(self, lane: Lane) -> int:
        """How many records may run in the process while the lane's next one does, itself included."""
        deaths = lane.partition.suspects.deaths(lane.queue[0].offset)
        return company(deaths, self._settings.max_deaths, self._settings.concurrency)

    def start(self, lane: Lane, slot: Slot) -> None:
        tasks = lane.partition.tasks
        task = asyncio.create_task(self._run(lane, slot))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        watch(task, "record")

    async def _run(self, lane: Lane, slot: Slot) -> None:
        part, record = lane.partition, lane.queue[0]
        pause = partial(slot.pause, gone=part.gone)
        try:
            deaths = part.suspects.deaths(record.offset)
            while not await self._processed(part, record, deaths, pause):
                await pause(MAX_PAUSE)
            self._finished(lane, record)
            if deaths > 1:  # or the death of the next one would be charged to this one too
                await self._commits.mark(part)
        except Abandoned:
            pass
        finally:
            part.suspects.ended(record.offset)
            slot.release()

    async def _processed(self, part: Partition, record: Record, deaths: int, pause: Pause) -> bool:
        try:
            if deaths:
                await self._process_suspect(part, record, deaths, pause)
            else:
                await self._processor.process(record, self._attempt, pause)
        except Abandoned:
            raise
        except Exception:  # a bug in what handles failures; the record is not lost for it
            log.exception("record not processed", group=self._group, topic=record.topic, offset=record.offset)
            return False
        return True

    async def _process_suspect(self, part: Partition, record: Record, deaths: int, pause: Pause) -> None:
        """Like any record, but commit before each attempt that it is under way, and after it that it no longer is."""
        suspects = part.suspects

        async def pause_unmarked(seconds: float) -> None:
            suspects.ended(record.offset)
            await self._commits.mark(part)
            await pause(seconds)
            suspects.begun(record.offset)
            await self._commits.mark(part)

        if deaths >= self._settings.max_deaths:
            await self._processor.process(record, partial(_refuse, deaths), pause)
            return
        suspects.begun(record.offset)
        await self._commits.mark(part)
        await self._processor.process(record, self._attempt, pause_unmarked)


async def _refuse(deaths: int, _record: Record) -> Response:
    raise KillsConsumer(deaths)
