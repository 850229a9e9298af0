"""What happens to a record whose handler failed: retried in place, deferred, failed, parked, or held.

Nothing here completes a record before its fate is durable. A fault of our own engines is never the record's: it is
held, however long that takes, and the breaker stops the rest from running into the same wall.
"""

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog
from aiokafka.errors import InvalidMessageError, KafkaError, MessageSizeTooLargeError, RecordTooLargeError
from faststream.kafka import KafkaBroker

from kit.backoff import backoff
from kit.errors import InternalError, Outcome, UpstreamUnavailableError
from kit.kafka import dead_letters, metrics
from kit.kafka.breaker import Breaker, State, Verdict
from kit.kafka.events import Poison, handling
from kit.kafka.partition import Record
from kit.settings import KeyedSettings
from schemas.journey import stage_of

log = structlog.get_logger()
_TOLD = {
    State.CLOSED: "circuit breaker closed",
    State.HALF_OPEN: "circuit breaker probes",
    State.OPEN: "circuit breaker opened",
}

MAX_BACKOFF = 10.0  # seconds between quick retries; whoever asks for a longer pause is deferred
MAX_HOLD = 5.0  # seconds between looks at an engine that is away
OUR_FAULT = (MessageSizeTooLargeError, RecordTooLargeError, InvalidMessageError)  # Kafka refuses what we made

Pause = Callable[[float], Awaitable[None]]
T = TypeVar("T")


class KillsConsumer(Exception):
    """The process that attempted the record died, so often that it is attempted no more."""

    reason = "kills_consumer"

    def __init__(self, deaths: int) -> None:
        super().__init__(f"{deaths} deaths")
        self.deaths = deaths


class Failures(Protocol):
    """The stage's side. Both writes are durable when they return; they may raise, and are then asked again.

    `blames_record` tells of an error that is parked whether the record alone is at fault, so that others need not fear.
    """

    def outcome(self, error: BaseException) -> Outcome: ...
    def blames_record(self, error: BaseException) -> bool: ...
    async def defer(self, record: Record, error: BaseException) -> None: ...
    async def fail(self, record: Record, error: BaseException) -> None: ...


class RecordProcessor:
    def __init__(
        self,
        broker: KafkaBroker,
        *,
        stage: str,
        group: str,
        settings: KeyedSettings,
        failures: Failures,
        breaker: Breaker,
    ) -> None:
        self._broker = broker
        self._stage = stage
        self._group = group
        self._settings = settings
        self._failures = failures
        self._breaker = breaker

    async def process(self, record: Record, attempt: Callable[[Record], Awaitable[T]], pause: Pause) -> T | None:
        """Attempt until it is handled, or until its failure is durable somewhere. Returns what the handler gave.

        `pause(seconds)` gives the slot away while it sleeps, and raises `Abandoned` when the record is ours no more.
        """
        with handling(record):
            attempts = retries = holds = 0
            while True:
                attempts += 1
                try:
                    async with asyncio.timeout(self._settings.handler_timeout.total_seconds()) as limit:
                        result = await attempt(record)
                except Exception as caught:
                    error = _too_slow() if limit.expired() else caught
                else:
                    self._judge("done", Verdict.GOOD)
                    return result
                outcome = self.outcome(error)
                self._judge(outcome, self._verdict(outcome, error))
                if outcome is Outcome.HOLD:
                    holds += 1
                    await self._hold(record, error, holds, pause)
                elif outcome is Outcome.RETRY and retries < self._settings.max_retries and _wait(error) <= MAX_BACKOFF:
                    retries += 1
                    await pause(max(_wait(error), self._jitter(retries, MAX_BACKOFF)))
                else:
                    await self._conclude(record, outcome, error, attempts - holds, pause)
                    return None

    def outcome(self, error: BaseException) -> Outcome:
        """The failure's class. Kit answers for poison and Kafka, the stage for everything else."""
        if isinstance(error, (Poison, KillsConsumer, *OUR_FAULT)):
            return Outcome.PARK
        if isinstance(error, KafkaError):
            return Outcome.HOLD
        return self._failures.outcome(error)

    async def _conclude(
        self, record: Record, outcome: Outcome, error: BaseException, attempts: int, pause: Pause
    ) -> None:
        if outcome in (Outcome.RETRY, Outcome.DEFER):
            problem = await self._durably(record, lambda: self._failures.defer(record, error), pause)
        elif outcome is Outcome.FAIL:
            problem = await self._durably(record, lambda: self._failures.fail(record, error), pause)
        else:
            problem = error
        if problem is not None:
            await self._park(record, problem, attempts, pause)

    async def _park(self, record: Record, error: BaseException, attempts: int, pause: Pause) -> None:
        reason = self._reason(error)
        if isinstance(error, Poison) and _answerer(record.topic, self._stage) != self._stage:
            return  # whoever answers for the topic parks it, once
        told: dict[str, Any] = {"reason": reason, "error_class": type(error).__name__}
        if isinstance(error, KillsConsumer):
            attempts = error.deaths
        elif not isinstance(error, Poison):  # the frames and not the message, which may quote the record or a secret
            told["frames"] = "".join(traceback.format_tb(error.__traceback__))
        log.error("record parked", stage=self._stage, **_where(record), **told)
        letter = partial(
            dead_letters.park,
            self._broker,
            record,
            stage=self._stage,
            group=self._group,
            attempts=attempts,
            reason=reason,
            error_class=type(error).__name__,
        )
        await self._durably(record, lambda: self._post(letter), pause, give_up=False)
        metrics.DEAD_LETTERS.labels(self._group, record.topic, reason).inc()
        verdict = InternalError("Something went wrong on our side.")
        if problem := await self._durably(record, lambda: self._failures.fail(record, verdict), pause):
            # The record is safe; only its owner could not be told.
            log.error(
                "import not marked as failed", stage=self._stage, **_where(record), error_class=type(problem).__name__
            )

    async def _post(self, letter: Callable[..., Awaitable[None]]) -> None:
        try:
            await letter()
        except Exception as refusal:
            if self.outcome(refusal) in (Outcome.HOLD, Outcome.RETRY):
                raise
            # Kafka takes it no better later, and the record would stand in the way of its partition for ever.
            await letter(whole=False)

    async def _durably(
        self, record: Record, write: Callable[[], Awaitable[None]], pause: Pause, *, give_up: bool = True
    ) -> BaseException | None:
        """Write, however long our engines are away. Returns the error that no waiting cures."""
        holds = 0
        while True:
            try:
                async with asyncio.timeout(self._settings.handler_timeout.total_seconds()) as limit:
                    await write()
            except Exception as error:
                if give_up and not limit.expired() and self.outcome(error) not in (Outcome.HOLD, Outcome.RETRY):
                    return error
                holds += 1
                self._judge(Outcome.HOLD, Verdict.BAD)
                await self._hold(record, error, holds, pause)
            else:
                if holds:
                    self._judge("done", Verdict.GOOD)
                return None

    async def _hold(self, record: Record, error: BaseException, holds: int, pause: Pause) -> None:
        if holds == 1:
            log.warning(
                "waiting for Kafka or MongoDB", stage=self._stage, **_where(record), error_class=type(error).__name__
            )
        await pause(self._jitter(holds, MAX_HOLD))

    def _verdict(self, outcome: Outcome, error: BaseException) -> Verdict:
        if isinstance(error, (Poison, KillsConsumer)):
            return Verdict.POISON
        if outcome is Outcome.PARK and self._failures.blames_record(error):
            return Verdict.POISON
        return Verdict.BAD if outcome in (Outcome.PARK, Outcome.HOLD) else Verdict.GOOD

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, (Poison, KillsConsumer)):
            return error.reason
        return "not_storable" if self._failures.blames_record(error) else "bug"

    def _judge(self, told: str, verdict: Verdict) -> None:
        metrics.OUTCOMES.labels(self._group, told).inc()
        before = self._breaker.state
        self._breaker.record(verdict)
        if self._breaker.state is not before:
            log.warning(_TOLD[self._breaker.state], stage=self._stage, group=self._group)

    def _jitter(self, tries: int, cap: float) -> float:
        """Full jitter: anything up to the doubled backoff."""
        first = self._settings.retry_backoff.total_seconds()
        return random.random() * backoff(tries, first, cap)  # noqa: S311 (not a secret)


def _wait(error: BaseException) -> float:
    return float(getattr(error, "retry_after", None) or 0)


def _too_slow() -> UpstreamUnavailableError:
    return UpstreamUnavailableError("This step took too long.")


def _answerer(topic: str, stage: str) -> str:
    """The stage that parks what nobody can read; the projector reads every topic and answers for few."""
    try:
        return stage_of(topic)
    except StopIteration:
        return stage


def _where(record: Record) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
