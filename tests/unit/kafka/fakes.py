"""Stand-ins for the tests of this folder: events, failures, records, a consumer group without Kafka."""

import asyncio
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid5

from aiokafka import ConsumerRecord

from kit.errors import Outcome, outcome_of
from schemas.events import Event, ImportRequested

NAMESPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


class Numbered(Event):
    """A small event of the tests."""

    topic: ClassVar[str] = "numbered"

    n: int

    @classmethod
    def make(cls, n: int, key: str = "k") -> "Numbered":
        return cls(id=uuid5(NAMESPACE, str(n)), import_id=UUID(int=n), user_id="u", url=f"https://x.org/{key}", n=n)


def requested(n: int = 0) -> ImportRequested:
    return ImportRequested(
        id=uuid5(NAMESPACE, str(n)),
        import_id=UUID(int=n),
        user_id="u",
        url="https://github.com/o/r",
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def record(
    value: bytes | None,
    *,
    topic: str = "numbered",
    partition: int = 0,
    offset: int = 0,
    key: bytes | None = b"k",
    headers: tuple[tuple[str, Any], ...] = (),
    timestamp: int = 1_700_000_000_000,
) -> "ConsumerRecord[Any, Any]":
    return ConsumerRecord(
        topic=topic, partition=partition, offset=offset, timestamp=timestamp, timestamp_type=0, key=key,
        value=value, checksum=None, serialized_key_size=0, serialized_value_size=0, headers=headers,
    )  # fmt: skip


class Away(Exception):
    """An engine of ours does not answer."""


class Unstorable(Exception):
    """What a record holds can be written by nobody."""


class RecordingFailures:
    """Remembers what it was asked; `away` counts how many writes fail first, `hanging` how many never end, `broken`
    makes all of them fail."""

    def __init__(self, *, away: int = 0, hanging: int = 0, broken: bool = False) -> None:
        self.deferred: list[tuple[int, BaseException]] = []
        self.failed: list[tuple[int, BaseException]] = []
        self.away = away
        self.hanging = hanging
        self.broken = broken

    def outcome(self, error: BaseException) -> Outcome:
        if isinstance(error, Away):
            return Outcome.HOLD
        if isinstance(error, ConnectionError):
            return Outcome.RETRY
        return outcome_of(error)

    def blames_record(self, error: BaseException) -> bool:
        return isinstance(error, Unstorable)

    async def defer(self, record: "ConsumerRecord[Any, Any]", error: BaseException) -> None:
        await self._write()
        self.deferred.append((record.offset, error))

    async def fail(self, record: "ConsumerRecord[Any, Any]", error: BaseException) -> None:
        await self._write()
        self.failed.append((record.offset, error))

    async def _write(self) -> None:
        if self.hanging:
            self.hanging -= 1
            await asyncio.Event().wait()
        if self.away:
            self.away -= 1
            raise Away
        if self.broken:
            raise LookupError("a bug in the stage")
