"""What breaks: every process and both engines by SIGKILL, batches that Kafka refuses, ends of logs that are lost, and
old records that are published again."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from kit.kafka import dead_letters
from schemas.events import EVENTS, ContentAnalyzed, ImportRequested
from schemas.journey import TOPICS
from tests.e2e.chaos.story import Story
from tests.e2e.kafka.faults import cut_power, refusing
from tests.e2e.member import PATIENCE
from tests.e2e.republish import all_again
from tests.e2e.stack import SERVICES, Stack

REQUESTED, ANALYZED = ([it for it in TOPICS if it.name == event.topic] for event in (ImportRequested, ContentAnalyzed))
LOST = [event.topic for event in EVENTS]
Blow = Callable[[], Awaitable[object]]


class Nemesis:
    def __init__(self, stack: Stack, story: Story, seed: int) -> None:
        self._stack, self._story = stack, story
        self._seed = seed
        self._chance = random.Random(seed)

    def blows(self) -> list[tuple[str, Blow]]:
        """Each once, in an order that the seed decides."""
        all_of_them: list[tuple[str, Blow]] = [
            *((f"kill -9 {name}", self._killer(name)) for name in SERVICES),
            ("kill -9 kafka", lambda: asyncio.to_thread(self._revive_kafka, 0)),
            ("kill -9 mongod", lambda: asyncio.to_thread(self._revive_mongod)),
            *((f"power cut, {batches} batches", self._cutter(batches)) for batches in (1, 3)),
            ("batches refused", self._refuse),
            *((f"old records again, {most}", self._republisher(most)) for most in (200, 400)),
        ]
        self._chance.shuffle(all_of_them)
        return all_of_them

    def few(self) -> list[tuple[str, Blow]]:
        """The kinds that no other test has together."""
        kinds = ("power cut, 1", "batches", "old records again, 200", "kill -9 writer", "kill -9 awarder")
        return [blow for blow in self.blows() if blow[0].startswith(kinds)]

    def _killer(self, name: str) -> Blow:
        async def kill() -> None:
            await asyncio.to_thread(self._stack.kill9, name)
            await asyncio.to_thread(self._stack.start, name)
            await asyncio.to_thread(self._stack.until_ready, name)

        return kill

    def _cutter(self, batches: int) -> Blow:
        return lambda: asyncio.to_thread(self._revive_kafka, batches)

    def _revive_kafka(self, batches: int) -> None:
        if batches:
            assert cut_power(self._stack.kafka, *LOST, batches=batches) > 0
        else:
            self._stack.kafka.kill9()
        self._stack.kafka.start()

    def _revive_mongod(self) -> None:
        self._stack.mongo.kill9()
        self._stack.mongo.start()

    async def _refuse(self) -> None:
        """What a stage could not publish is parked, and replayed by an operator; what the gateway could not, the relay
        publishes."""
        address = self._stack.kafka.address
        async with refusing(address, *ANALYZED):
            self._story.paste(10)
            async with asyncio.timeout(PATIENCE):
                while not await dead_letters.read(self._stack.kafka_settings, ["analyzer"]):
                    self._stack.check()
                    await asyncio.sleep(0.2)
        async with refusing(address, *REQUESTED):
            self._story.paste(10)
            await self._story.accepted()

    def _republisher(self, most: int) -> Blow:
        return lambda: all_again(self._stack, self._seed + most, most=most)
