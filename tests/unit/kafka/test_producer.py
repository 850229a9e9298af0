"""When a producer is replaced, and when a process says that replacing does not help."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
)

from kit.kafka.producer import BROKEN_LIMIT, SILENCE, TRIES, Producer


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Client:
    """As much of AIOKafkaProducer as is needed. `answer` is what becomes of a record."""

    def __init__(self, answer: Callable[[], BaseException | None], start: BaseException | None = None) -> None:
        self._answer, self._start = answer, start
        self.sent = 0
        self.stopped = False

    async def start(self) -> None:
        if self._start:
            raise self._start

    async def stop(self) -> None:
        self.stopped = True

    async def send_and_wait(self, _topic: str, **_record: Any) -> None:
        self.sent += 1
        if error := self._answer():
            raise error
        await asyncio.sleep(0)


class World:
    """A producer whose clients are `answers`, one after another."""

    def __init__(self, *clients: Client) -> None:
        self.clients = list(clients)
        self.made = iter(self.clients[1:])
        self.clock = Clock()
        self.producer = Producer(lambda: next(self.made), clock=self.clock)

    async def connect(self) -> "World":
        await self.producer.connect(self.clients[0], None)
        return self

    async def send(self) -> None:
        await self.producer.send("topic", value=b"", key=b"", headers=[])


def fine() -> None:
    return None


def always(error: BaseException) -> Callable[[], BaseException]:
    return lambda: error


@pytest.mark.parametrize(
    "error", [OutOfOrderSequenceNumber(), ProducerFenced(), ProducerClosed(), KafkaError("sender")], ids=repr
)
async def test_what_never_ends_by_waiting_gets_a_new_producer_and_the_record_goes_out(error: KafkaError) -> None:
    world = await World(broken := Client(always(error)), fresh := Client(fine)).connect()
    await asyncio.gather(*(world.send() for _ in range(20)))
    assert fresh.sent == 20
    await world.producer.disconnect()
    assert broken.stopped and fresh.stopped


@pytest.mark.parametrize("error", [MessageSizeTooLargeError(), KafkaConnectionError()], ids=repr)
async def test_what_is_no_matter_of_the_producer_is_told(error: KafkaError) -> None:
    world = await World(Client(always(error))).connect()
    with pytest.raises(type(error)):
        await world.send()
    assert world.producer.well


async def test_refusals_that_no_new_producer_cures_end_the_process_after_a_while() -> None:
    broken = always(OutOfOrderSequenceNumber())
    world = await World(*(Client(broken) for _ in range(TRIES * 2 + 1))).connect()
    with pytest.raises(OutOfOrderSequenceNumber):
        await world.send()
    assert world.producer.well
    world.clock.now += BROKEN_LIMIT + 1
    assert not world.producer.well


async def test_a_kafka_that_is_away_is_waited_for_with_the_old_producer() -> None:
    away = Client(fine, start=KafkaConnectionError())
    world = await World(Client(always(OutOfOrderSequenceNumber())), away, fresh := Client(fine)).connect()
    with pytest.raises(KafkaConnectionError):
        await world.send()
    world.clock.now += 10 * BROKEN_LIMIT
    assert world.producer.well
    await world.send()
    assert (away.stopped, fresh.sent) == (True, 1)


async def test_a_caller_that_no_longer_waits_does_not_stop_the_renewal() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Client):
        async def start(self) -> None:
            begun.set()
            await go_on.wait()

    world = await World(Client(always(OutOfOrderSequenceNumber())), slow := Slow(fine)).connect()
    sending = asyncio.create_task(world.send())
    await begun.wait()
    sending.cancel()
    await asyncio.wait({sending})
    go_on.set()
    await world.send()
    assert slow.sent == 1


async def test_where_nothing_is_answered_for_long_a_new_producer_is_tried() -> None:
    class Silent(Client):
        async def send_and_wait(self, _topic: str, **_record: Any) -> None:
            self.sent += 1
            await asyncio.Event().wait()

    async def give_up_after(seconds: float) -> None:
        sending, before = asyncio.create_task(world.send()), silent.sent
        while silent.sent == before:  # noqa: ASYNC110 (a turn of the loop)
            await asyncio.sleep(0)
        world.clock.now += seconds
        sending.cancel()
        await asyncio.wait({sending})

    world = await World(silent := Silent(fine), fresh := Client(fine)).connect()
    await give_up_after(SILENCE / 2)
    await give_up_after(0.1)
    assert not silent.stopped, "not yet, and a caller without patience tells nothing"
    await give_up_after(SILENCE)
    while not silent.stopped:  # noqa: ASYNC110 (a turn of the loop)
        await asyncio.sleep(0)
    await world.send()
    assert fresh.sent == 1
