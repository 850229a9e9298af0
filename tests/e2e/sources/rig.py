"""SyncDispatcher, schedulers on a clock that is set, and a broker that remembers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka.errors import KafkaConnectionError

from kit.mongo import Database, Document
from records.sources.record import Frequency, Identity, follow, new_source
from schemas.events import Options, SyncRequested
from services.scheduler.sync_dispatcher import SyncDispatcher

DAY = timedelta(days=1)


@dataclass
class Clock:
    now: datetime = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Broker:
    """`refuses` are the links of the events that it does not take."""

    clock: Clock
    events: list[SyncRequested] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    async def publish(self, event: SyncRequested) -> None:
        if event.url in self.refuses:
            raise KafkaConnectionError
        self.events.append(event)
        self.times.append(self.clock.now)

    @property
    def urls(self) -> list[str]:
        return [event.url.rpartition("/")[2] for event in self.events]


def scheduler(db: Database, broker: Broker, *, at_once: int = 100, lost_after: timedelta = DAY) -> SyncDispatcher:
    return SyncDispatcher(db, broker.publish, at_once=at_once, lost_after=lost_after, now=broker.clock)


def a_source(clock: Clock, name: str = "one", **changes: Any) -> Document:
    """Due at once."""
    record = new_source(
        Identity("ada", "github", f"https://github.com/ada/{name}"),
        display_name=name,
        frequency=Frequency.DAILY,
        options=Options(),
        now=clock.now,
    )
    if "next_sync_at" in changes:
        changes["emit_at"] = changes["next_sync_at"]
    return record | changes


async def stored(db: Database, clock: Clock, name: str = "one", **changes: Any) -> Document:
    source, created = await follow(db, a_source(clock, name, **changes))
    assert created
    return source
