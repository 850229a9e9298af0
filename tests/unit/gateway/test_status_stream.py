"""The status stream ends when it is closed, whatever becomes of its change stream."""

import asyncio
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from pymongo.errors import AutoReconnect

from services.gateway.tasks.stream import StatusStream

PATIENCE = 10.0  # seconds


class FailingStream:
    """Brings no news, and cannot be closed in order."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        raise AutoReconnect("connection closed")

    async def try_next(self) -> None:
        self.waiting.set()
        await asyncio.Event().wait()


class NothingFound:
    def find(self, _query: Any) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration


class FakeDatabase:
    def __init__(self) -> None:
        self.stream = FailingStream()

    def __getitem__(self, _name: str) -> NothingFound:
        return NothingFound()

    async def watch(self, *_: object, **__: object) -> FailingStream:
        return self.stream


async def test_a_stream_that_fails_while_it_is_closed_keeps_no_hub_alive() -> None:
    db = FakeDatabase()
    hub = StatusStream(db)  # type: ignore[arg-type]
    feeding = asyncio.create_task(hub.run())
    async with aclosing(hub.follow_all([uuid4()])) as states:
        assert await anext(states) == []
        await asyncio.wait_for(db.stream.waiting.wait(), PATIENCE)
        hub.close()
        feeding.cancel()
        ended, _ = await asyncio.wait({feeding}, timeout=PATIENCE)
    assert ended
