"""Requests that the sandbox makes itself: what upstreams push, and how it was taken."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp

PATIENCE = 5.0  # seconds
KEPT = 1_000  # deliveries that are remembered


@dataclass
class Delivery:
    """A request that was sent. `status` is 0 where nobody answered in time."""

    kind: str  # websub, verification, github
    about: str  # a channel's id, a repository's name
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    id: int = 0
    status: int = 0
    answer: str = ""

    def described(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in ("id", "kind", "about", "method", "url", "status", "answer")}
        return fields | {"headers": dict(self.headers), "body": self.body.decode(errors="replace")}


class Courier:
    def __init__(self) -> None:
        self._sent: deque[Delivery] = deque(maxlen=KEPT)
        self._numbers = count(1)
        self._session: aiohttp.ClientSession | None = None
        self._errands: set[asyncio.Task[None]] = set()

    async def send(self, delivery: Delivery) -> Delivery:
        """Redirects are not followed: to a hub they are failures."""
        delivery.id = next(self._numbers)
        self._sent.append(delivery)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
        try:
            async with self._session.request(
                delivery.method,
                delivery.url,
                data=delivery.body or None,
                headers=delivery.headers,
                allow_redirects=False,
            ) as response:
                delivery.answer = (await response.content.read(4_096)).decode(errors="replace")
                delivery.status = response.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            delivery.status = 0
        return delivery

    async def send_again(self, delivery_id: int) -> Delivery:
        """The same request, to the letter. Raises `ValueError` for an id that was not given out."""
        for one in self._sent:
            if one.id == delivery_id:
                again = Delivery(one.kind, one.about, one.method, one.url, one.headers, one.body)
                return await self.send(again)
        raise ValueError(f"no delivery {delivery_id}")

    def later(self, errand: Coroutine[Any, Any, None]) -> None:
        """Runs it beside the answer that is given now."""
        task = asyncio.get_running_loop().create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def described(self, kind: str = "") -> list[dict[str, Any]]:
        """What was sent, oldest first."""
        return [one.described() for one in self._sent if kind in (one.kind, "")]

    def reset(self) -> None:
        for task in self._errands:
            task.cancel()
        self._sent.clear()

    async def close(self) -> None:
        self.reset()
        await asyncio.gather(*self._errands, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None
