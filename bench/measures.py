"""What is measured, one function each; every one runs alike on both stacks. Times are wall-clock seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import quantiles
from typing import TypeVar
from uuid import UUID

from bench.load import Ends, Load
from bench.stacks import Stack
from sandbox.client import SandboxClient

T = TypeVar("T")

RATE = 10.0  # imports a second for the end-to-end times
KILL_RATE = 40.0  # imports a second while the analyzer is killed: what waits at the model is then a small part
KILL_PATIENCE = 30.0  # seconds without an end after which what is left counts as lost
FRONT_DOOR_CLIENTS = 64


@dataclass(frozen=True)
class Saturation:
    per_second: float
    cpu_ms: dict[str, float]  # per import, by process
    rss_mib: float


@dataclass(frozen=True)
class Kill:
    repeated: int  # model calls that the sandbox had seen before
    answered: int  # those of them whose first call had been answered; the others were under way and lost
    lost: int  # imports that never end


@dataclass(frozen=True)
class Bench:
    load: Load
    ends: Ends
    sandbox: SandboxClient

    async def saturation(self, stack: Stack, count: int) -> Saturation:
        """All requests stand in Kafka at once; until the last import has ended."""
        events = self.load.requests(count)
        before, started = stack.cpu_seconds(), time.perf_counter()
        await self.load.publish(stack, events)
        ids = [event.import_id for event in events]
        await self.ends.wait(ids, stack.check)
        took = max(self.ends.at[one] for one in ids) - started
        spent = {name: (now - before[name]) * 1_000 / count for name, now in stack.cpu_seconds().items()}
        return Saturation(count / took, spent, stack.rss_mib())

    async def end_to_end(self, stack: Stack, count: int) -> list[float]:
        """Seconds from the request at the front door to the last event, at a steady ten imports a second."""

        async def one() -> tuple[UUID, float]:
            started = time.perf_counter()
            return await self.load.accept(stack), started

        begun = dict(await at_rate(one, count, RATE))
        await self.ends.wait(begun.keys(), stack.check)
        return [self.ends.at[task] - started for task, started in begun.items()]

    async def accepts(self, stack: Stack, count: int) -> float:
        """Imports a second that the front door takes in from many clients. Stop the stages first."""
        left = iter(range(count))

        async def client() -> None:
            for _ in left:
                await self.load.accept(stack)

        started = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(FRONT_DOOR_CLIENTS)))
        return count / (time.perf_counter() - started)

    async def kill(self, stack: Stack, count: int) -> Kill:
        """`kill -9` of the analyzer when half of the imports have ended, and what the model is asked again."""
        await self.sandbox.forget_calls()
        events = self.load.requests(count)
        ids = [event.import_id for event in events]
        waiting = iter(events)

        async def one() -> None:
            await self.load.publish(stack, [next(waiting)])

        feed = asyncio.create_task(at_rate(one, count, KILL_RATE))
        await self.ends.wait(ids, stack.check, count // 2)
        stack.members["analyzer"].kill9()
        stack.members["analyzer"].start()
        await feed
        lost = await self.ends.settle(ids, stack.check, patience=KILL_PATIENCE)
        return Kill(await self.sandbox.repeated("openai"), await self.sandbox.asked_again("openai"), lost)


async def at_rate(call: Callable[[], Awaitable[T]], count: int, per_second: float) -> list[T]:
    """`count` calls, begun evenly, whether or not the earlier ones have come back."""
    started = time.perf_counter()
    calls = []
    for number in range(count):
        await asyncio.sleep(max(0.0, started + number / per_second - time.perf_counter()))
        calls.append(asyncio.ensure_future(call()))
    return list(await asyncio.gather(*calls))


def percentile(values: list[float], percent: int) -> float:
    """Interpolated between neighbours."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]
