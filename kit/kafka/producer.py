"""The producer below every publisher of a process, replaced when Kafka takes nothing more of it.

An idempotent producer numbers its records, and Kafka takes them in that order only. aiokafka counts on when the broker
refuses a batch, or has lost the latest ones in a power cut, and from then on every record of that partition is refused
(aiokafka#1017). Its sender may also die of an error of its own. Neither ends by waiting, and nothing that asks whether
Kafka answers would notice: so a new producer takes over, and what the old one could not send is sent anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    BrokerResponseError,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaError,
    KafkaTimeoutError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)
from faststream.kafka import KafkaBroker
from faststream.kafka.publisher.producer import AioKafkaFastProducerImpl
from faststream.kafka.publisher.state import RealProducer
from faststream.kafka.response import KafkaPublishCommand

from kit.kafka import metrics
from kit.kafka.events import PUBLISH_TIMEOUT

log = structlog.get_logger()

TRIES = 3  # of a record; one of them may meet a producer that is being replaced
START_TIMEOUT = 10.0  # seconds
CLOSE_TIMEOUT = 5.0  # seconds; what is not sent then fails, and is sent anew
PATIENCE = 1.0  # seconds without an answer, after which giving up says something
SILENCE = 60.0  # seconds without an answer to anything, after which a new producer is tried
BROKEN_LIMIT = 60.0  # seconds of refusals that no new producer cures, after which the process is not live

NUMBERING = (
    OutOfOrderSequenceNumber,
    UnknownProducerId,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    ProducerFenced,
    ProducerClosed,  # it is being replaced
)

T = TypeVar("T")


class Producer(AioKafkaFastProducerImpl):
    """FastStream's producer, with renewal. `make` gives an unstarted producer like the first one."""

    def __init__(self, make: Callable[[], AIOKafkaProducer], *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parser=None, decoder=None)
        self._make = make
        self._clock = clock
        self._stopping = False
        self._renewing: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._broken_since: float | None = None
        self._silent_since: float | None = None

    @property
    def well(self) -> bool:
        """For liveness. A Kafka that is away does no harm to it: that is waited for."""
        return self._broken_since is None or self._clock() - self._broken_since < BROKEN_LIMIT

    async def connect(self, *args: Any, **kwargs: Any) -> None:
        await super().connect(*args, **kwargs)
        self._stopping = False

    async def publish(self, cmd: KafkaPublishCommand) -> Any:
        return await self._insist(lambda _: super(Producer, self).publish(cmd))

    async def publish_batch(self, cmd: KafkaPublishCommand) -> Any:
        return await self._insist(lambda _: super(Producer, self).publish_batch(cmd))

    async def send(
        self, topic: str, *, value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        """As it is, without encoding. Durable on return; raises KafkaError."""
        await self._insist(lambda client: client.send_and_wait(topic, value=value, key=key, headers=headers))

    async def disconnect(self) -> None:
        self._stopping = True
        if self._renewing is not None:
            self._renewing.cancel()
        if self:
            await _close(self._producer.producer)
        if self._closing:
            await asyncio.wait(self._closing)
        await super().disconnect()

    async def _insist(self, send: Callable[[AIOKafkaProducer], Awaitable[T]]) -> T:
        """Send until it is taken, or fails for another reason than the producer. Raises KafkaError."""
        for tries_left in reversed(range(TRIES)):
            client, began = self._producer.producer, self._clock()
            try:
                result = await send(client)
            except KafkaError as error:
                if self._stopping or not self._is_broken(error):
                    raise
                await self._renew(client, "numbering")
                if not tries_left:
                    raise
            except asyncio.CancelledError:
                self._given_up(client, began)
                raise
            else:
                self._broken_since = self._silent_since = None
                return result
        raise AssertionError("unreachable")

    def _is_broken(self, error: KafkaError) -> bool:
        broken = is_broken(error)
        if isinstance(error, BrokerResponseError):
            self._silent_since = None
        if broken and self._broken_since is None:
            self._broken_since = self._clock()
        kind = "broken" if broken else "refused" if isinstance(error, BrokerResponseError) else "away"
        metrics.PUBLISH_FAILURES.labels(kind).inc()
        return broken

    def _given_up(self, client: AIOKafkaProducer, began: float) -> None:
        """Whoever waited no longer does. Where nothing at all is answered, the producer may be the reason."""
        now = self._clock()
        if now - began < PATIENCE:
            return
        metrics.PUBLISH_FAILURES.labels("no_answer").inc()
        if self._silent_since is None:
            self._silent_since = began
        elif now - self._silent_since > SILENCE and not self._stopping:
            self._silent_since = now
            self._begin_renewal(client, "silence")

    async def _renew(self, broken: AIOKafkaProducer, why: str) -> None:
        """A fresh producer in place of `broken`, once for all who ask. Goes on where its caller no longer waits.

        Raises KafkaError where none can be had.
        """
        if (renewing := self._begin_renewal(broken, why)) is not None:
            await asyncio.shield(renewing)

    def _begin_renewal(self, broken: AIOKafkaProducer, why: str) -> "asyncio.Task[None] | None":
        if self._producer.producer is not broken:
            return None
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._replace(broken, why))
            self._renewing.add_done_callback(self._renewed)
        return self._renewing

    def _renewed(self, renewing: "asyncio.Task[None]") -> None:
        self._renewing = None
        if not renewing.cancelled() and (error := renewing.exception()) is not None:
            self._broken_since = None  # Kafka is away, and waited for
            log.warning("Kafka producer could not be replaced", error=type(error).__name__)

    async def _replace(self, broken: AIOKafkaProducer, why: str) -> None:
        fresh = self._make()
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await fresh.start()
        except BaseException as error:
            await _close(fresh)
            if isinstance(error, TimeoutError | OSError):
                raise KafkaTimeoutError from error
            raise
        self._producer = RealProducer(fresh)
        metrics.RENEWALS.labels(why).inc()
        log.warning("Kafka producer replaced", why=why)
        # Apart, so that nobody waits for what it still holds.
        closing = asyncio.create_task(_close(broken))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def is_broken(error: BaseException) -> bool:
    """Whether the producer will fail for ever: its numbering or its sender is broken."""
    return isinstance(error, NUMBERING) or type(error) is KafkaError


async def _close(producer: AIOKafkaProducer) -> None:
    """In bounded time. What it could not send by then fails."""
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await producer.stop()
            return
    producer._message_accumulator.fail_all(KafkaError("the producer was given up"))
    sender = producer._sender.sender_task
    if sender is not None:
        sender.cancel()
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await producer.client.close()
    if sender is not None and not sender.done():
        sender.cancel()  # the first one only began its end
        await asyncio.wait({sender}, timeout=CLOSE_TIMEOUT)


Headers = Sequence[tuple[str, bytes]]


async def publish_raw(
    broker: KafkaBroker, topic: str, *, value: bytes | None, key: bytes | None, headers: Headers
) -> None:
    """For dead letters and deferred records. Durable on return (`acks=all`); raises KafkaError.

    A record without key and value gets an empty key, as aiokafka sends no other.
    """
    if value is None and key is None:
        key = b""
    producer = broker.config.producer
    if not (isinstance(producer, Producer) and producer):  # TestKafkaBroker: no wire, so headers are text
        text = {name: (data or b"").decode(errors="replace") for name, data in headers}
        await broker.publish(value, topic, key=key, headers=text)
        return
    try:
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            await producer.send(topic, value=value, key=key, headers=list(headers))
    except TimeoutError as error:
        raise KafkaTimeoutError from error


def publishes_well(broker: KafkaBroker) -> bool:
    """For liveness: false where Kafka refuses whatever this process sends, and no new producer cured it."""
    producer = broker.config.producer
    return not isinstance(producer, Producer) or producer.well
