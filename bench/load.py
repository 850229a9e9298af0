"""Imports to feed the stacks with, and the watch that sees them end."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr

from bench.stacks import JWT_KEY, BenchError, Stack
from cli.token import TokenSettings, make_token
from schemas.events import ImportFailed, ImportRequested, PointsAwarded

USERS = 40
PATIENCE = 90.0  # seconds without a single import ending, after which the bench gives up


class Ends:
    """When each import ended, by its id, whichever stack it went through. Read from Kafka, not from a status."""

    def __init__(self, bootstrap: str, topics: Collection[str]) -> None:
        self.at: dict[UUID, float] = {}
        self.failed: dict[UUID, str] = {}
        self._consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="latest")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._consumer.start()
        for partition in self._consumer.assignment():
            await self._consumer.position(partition)  # resolved now: what is published from here on is seen
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._consumer.stop()

    async def _watch(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                now = time.perf_counter()
                for record in records:
                    event = json.loads(record.value)
                    import_id = UUID(event["import_id"])
                    self.at.setdefault(import_id, now)
                    if record.topic.endswith(ImportFailed.topic):
                        self.failed[import_id] = event["error_code"]

    async def wait(self, ids: Collection[UUID], check: Callable[[], None], count: int | None = None) -> None:
        """Until all of `ids`, or `count` of them, have ended. Raises BenchError when one failed or nothing moves."""
        if missing := await self.settle(ids, check, count):
            raise BenchError(f"{missing} of {len(ids)} imports do not end")

    async def settle(
        self, ids: Collection[UUID], check: Callable[[], None], count: int | None = None, patience: float = PATIENCE
    ) -> int:
        """The same, but where nothing moves for `patience` seconds it gives up: how many have not ended."""
        wanted, missing = count or len(ids), set(ids)
        moved, progressed_at = len(missing), time.perf_counter()
        while len(ids) - len(missing) < wanted:
            await asyncio.sleep(0.01)
            missing -= self.at.keys()
            if len(missing) != moved:
                moved, progressed_at = len(missing), time.perf_counter()
            elif time.perf_counter() - progressed_at > patience:
                return len(missing)
            check()
        if lost := [self.failed[one] for one in ids if one in self.failed]:
            raise BenchError(f"{len(lost)} imports failed, the first with {lost[0]}")
        return 0


class Load:
    """Each link is handed out once in a run, so nothing is ever imported, or analysed, twice by wish."""

    def __init__(self, bootstrap: str, http: aiohttp.ClientSession) -> None:
        self._numbers = itertools.count()
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
        self._http = http
        settings = TokenSettings(jwt_key=SecretStr(JWT_KEY))
        self._tokens = {user: make_token(settings, user, 2) for user in map(_user, range(USERS))}

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    def link(self) -> tuple[str, str]:
        """A user and a link that is new to everybody."""
        number = next(self._numbers)
        return _user(number % USERS), f"https://github.com/load/{number}"

    def requests(self, count: int) -> list[ImportRequested]:
        return [
            ImportRequested(id=uuid4(), import_id=uuid4(), user_id=user, url=url, requested_at=datetime.now(UTC))
            for user, url in (self.link() for _ in range(count))
        ]

    async def publish(self, stack: Stack, events: Collection[ImportRequested]) -> None:
        topic = stack.prefix + ImportRequested.topic
        sent = [await self._producer.send(topic, event.model_dump_json().encode(), event.key) for event in events]
        await asyncio.gather(*sent)

    async def accept(self, stack: Stack) -> UUID:
        """One import through the stack's own front door; returns the task's id."""
        user, url = self.link()
        if stack.prefix:
            path, body, headers = "/import", {"url": url, "user": user}, {}
        else:
            path, body = "/api/v1/github/import/", {"url": url}
            headers = {"authorization": f"Bearer {self._tokens[user]}"}
        async with self._http.post(stack.door + path, json=body, headers=headers) as response:
            answer: dict[str, Any] = await response.json()
            if response.status != 202:
                raise BenchError(f"{stack.name} refused an import with {response.status}: {answer}")
            return UUID(answer["task_id"])


def final_topics(prefix: str) -> tuple[str, ...]:
    return prefix + PointsAwarded.topic, prefix + ImportFailed.topic


def _user(number: int) -> str:
    return f"bench-{number}"
