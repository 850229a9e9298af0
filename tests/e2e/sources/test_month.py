"""Thirty days of ten thousand sources under two schedulers, on a clock that is set.

A fifth of the sources fail, in five ways. Both schedulers are away for a day and a half.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from pymongo import InsertOne, UpdateOne, WriteConcern

from kit.mongo import Database, Document
from records.sources.outcome import SyncOutcome
from records.sources.record import INTERVAL, Frequency, Identity, SourceState, new_source
from records.sources.schedule import slot_after
from records.sources.transitions import source_after_sync
from schemas.events import Options, SyncRequested
from services.scheduler.sync_dispatcher import SyncDispatcher
from tests.e2e.sources.rig import DAY, Broker, Clock, scheduler

COUNT = 10_000
STEP = timedelta(hours=2)
LOOK = timedelta(minutes=5)  # how long one takes
AT_ONCE = 600  # in a step, by each scheduler; they tick together, so that they often want the same ones
FIRST_DAYS = 2 * DAY  # in which they are followed
BEGIN = Clock().now
AWAY = (BEGIN + 14 * DAY, BEGIN + 15.5 * DAY)
END = BEGIN + 30 * DAY

OK = SyncOutcome(SourceState.OK)
FAILING = SyncOutcome(SourceState.FAILING, "It did not answer.")


@dataclass(frozen=True)
class Pattern:
    """How the syncs of a fifth of the failing sources end between two days. None: they never end."""

    first_day: float
    last_day: float
    end: Callable[[datetime, int], SyncOutcome | None]  # from the time and the number of the sync

    @property
    def cured_at(self) -> datetime:
        return BEGIN + self.last_day * DAY

    def holds(self, at: datetime) -> bool:
        return BEGIN + self.first_day * DAY <= at < self.cured_at


PATTERNS = (
    Pattern(5, 8.3, lambda _at, _sync: FAILING),  # an outage
    Pattern(3, 24, lambda _at, sync: FAILING if sync % 2 else OK),  # every other sync
    Pattern(6, 21, lambda _at, _sync: SyncOutcome(SourceState.GONE, "There is no such thing.")),
    Pattern(10, 12, lambda at, _sync: SyncOutcome(None, "The limit.", at + timedelta(hours=7))),
    Pattern(9, 10, lambda _at, _sync: None),  # whoever has the sync dies of it
)


def pattern_of(source: Document) -> Pattern | None:
    number = int(source["display_name"])
    return PATTERNS[number // 5 % 5] if number % 5 == 0 else None


def sources() -> Iterable[Document]:
    """A twentieth of them daily, whether they fail or not; the rest weekly."""
    for number in range(COUNT):
        yield new_source(
            Identity(f"member-{number % 100}", "github", f"https://github.com/o/{number}"),
            display_name=str(number),
            frequency=Frequency.DAILY if number // 25 % 20 == 0 else Frequency.WEEKLY,
            options=Options(),
            now=BEGIN + FIRST_DAYS * number / COUNT,
        )


@dataclass
class Fetcher:
    """Ends what was asked for one step before. Writes as `records.sources.transitions.settle` does, but in bulk."""

    db: Database
    clock: Clock
    syncs: dict[UUID, list[tuple[datetime, SyncOutcome | None]]] = field(default_factory=lambda: defaultdict(list))

    async def sync(self, events: list[SyncRequested]) -> None:
        writes = []
        found = self.db.sources.find({"_id": {"$in": [event.source_id for event in events]}})
        records = {record["_id"]: record async for record in found}
        for event in events:
            source = records[event.source_id]
            assert source["next_sync_at"] == event.due_at, "nobody has synced it meanwhile"
            syncs = self.syncs[event.source_id]
            pattern, at = pattern_of(source), self.clock.now + LOOK
            ended = pattern.end(at, len(syncs)) if pattern and pattern.holds(at) else OK
            syncs.append((at, ended))
            if ended is not None:
                changes = {"$set": source_after_sync(source, ended, at), "$unset": {"claim": ""}}
                writes.append(UpdateOne({"_id": event.source_id}, changes))
        if writes:
            await self.db.sources.bulk_write(writes, ordered=False)


@pytest.mark.long
async def test_each_source_is_synced_once_an_interval_and_comes_back_when_its_upstream_does(db: Database) -> None:
    db = db.with_options(write_concern=WriteConcern(w=1, j=False))  # no node fails here, and a month is long
    clock = Clock()
    broker, fetcher = Broker(clock), Fetcher(db, clock)
    await db.sources.bulk_write([InsertOne(source) for source in sources()])
    schedulers = [scheduler(db, broker, at_once=AT_ONCE) for _ in range(2)]
    while clock.now < END:
        await step(clock, broker, fetcher, schedulers)
        if clock.now.hour % 6 == clock.now.minute == 0 and not AWAY[0] <= clock.now <= AWAY[1]:
            assert await db.sources.count_documents({"next_sync_at": {"$lt": clock.now - 2 * DAY}}) == 0

    times = by_source(broker)
    records = {record["_id"]: record async for record in db.sources.find()}
    assert times.keys() == records.keys()
    failed: Counter[Pattern] = Counter()
    for source_id, source in records.items():
        pattern = pattern_of(source)
        if pattern is None:
            assert_once_an_interval(source, times[source_id])
        else:
            failed[pattern] += assert_recovered(source, pattern, fetcher.syncs[source_id])
    assert all(failed[pattern] > 50 for pattern in PATTERNS), failed
    assert_spread(broker)


async def step(clock: Clock, broker: Broker, fetcher: Fetcher, schedulers: list[SyncDispatcher]) -> None:
    before = len(broker.events)
    if not AWAY[0] <= clock.now < AWAY[1]:
        await asyncio.gather(*(one.dispatch() for one in schedulers))
    await fetcher.sync(broker.events[before:])
    clock.now += STEP


def by_source(broker: Broker) -> dict[UUID, list[tuple[datetime, datetime]]]:
    """When each was due, and when its event went out. No event twice, but those whose sync never ended."""
    times: dict[UUID, list[tuple[datetime, datetime]]] = defaultdict(list)
    first: dict[UUID, datetime] = {}
    for event, at in zip(broker.events, broker.times, strict=True):
        if event.id in first:
            assert at - first[event.id] >= DAY, "twice"
            continue
        first[event.id] = at
        times[event.source_id].append((event.due_at, at))
    return times


def assert_once_an_interval(source: Document, times: list[tuple[datetime, datetime]]) -> None:
    interval = INTERVAL[source["sync_frequency"]]
    assert source["state"] == "ok"
    assert END - times[-1][0] < 1.5 * interval
    for (due, at), (following, _) in pairwise(times):
        assert at - due < 2 * interval, "overdue"
        assert following == slot_after(source["_id"], interval, following - STEP), "its own slot"
        if due == times[0][0]:  # synced because it was new
            assert interval / 2 < following - due < 2 * interval
        elif AWAY[0] - STEP <= due < AWAY[1]:
            assert interval <= following - due <= 3 * interval, "one for all that were missed"
        else:
            assert following - due == interval


def assert_recovered(source: Document, pattern: Pattern, syncs: list[tuple[datetime, SyncOutcome | None]]) -> bool:
    """Whether it had failed at all."""
    assert (source["state"], source["failures"], source["state_reason"]) == ("ok", 0, None)
    before = [ended for at, ended in syncs if at < pattern.cured_at]
    if before[-1] is not OK:
        at, ended = next(sync for sync in syncs if sync[0] >= pattern.cured_at)
        assert ended is OK
        assert at - pattern.cured_at <= DAY + 2 * STEP
    return any(ended is not OK for ended in before)


def assert_spread(broker: Broker) -> None:
    """A quiet day's syncs are spread over its hours, and those that were missed went out at the pace that is set."""
    hours = Counter(at.hour for at in broker.times if BEGIN + 26 * DAY <= at < BEGIN + 27 * DAY)
    assert max(hours.values()) < 1.5 * hours.total() / len(hours), hours
    steps = Counter(at for at in broker.times if AWAY[1] <= at < AWAY[1] + DAY)
    assert max(steps.values()) <= 2 * AT_ONCE
    assert steps.total() > 2 * hours.total(), "there was much to catch up with"
