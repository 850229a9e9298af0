"""A member at the public HTTP API, who does not give up: every import is asked for again, under the same
Idempotency-Key, until it is accepted."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

import httpx2
from pymongo.errors import PyMongoError

from kit.mongo import Database
from records.imports import TERMINAL
from tests.e2e.stack import Stack
from tests.unit.gateway.support import bearer

LONG = 4 * 3600  # seconds, in which any test ends
PATIENCE = 60  # seconds without any progress


class Member:
    def __init__(self, stack: Stack, name: str) -> None:
        self.name, self.user_id = name, f"user-{name}"
        self.retries = 0
        self.tasks: dict[str, str] = {}  # of the accepted imports, by the link that was pasted
        self._client = httpx2.AsyncClient(
            base_url=stack.url("gateway"),
            headers=bearer(name, exp=int(time.time()) + LONG),
            timeout=20,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def paste(self, link: str, **options: bool) -> str:
        """The task's id, however often the gateway or what is behind it goes away meanwhile."""
        key = {"Idempotency-Key": str(uuid4())}
        answer = await self._insist(
            lambda: self._client.post("/api/v1/integrations/import/", json={"url": link, **options}, headers=key)
        )
        assert answer.status_code == 202, answer.text
        self.tasks[link] = answer.json()["task_id"]
        return self.tasks[link]

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
        """Once, whatever comes of it."""
        return await self._client.post(f"/api/v1{path}", json=body, headers=headers)

    async def delete(self, path: str) -> None:
        answer = await self._insist(lambda: self._client.delete(f"/api/v1{path}"))
        assert answer.status_code == 204, answer.text

    async def patch(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self._insist(lambda: self._client.patch(f"/api/v1{path}", json=body))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self._insist(lambda: self._client.get(f"/api/v1{path}", params=params))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def task(self, task_id: str) -> dict[str, Any]:
        """Its status, as it is now."""
        task: dict[str, Any] = await self.get(f"/integrations/tasks/{task_id}/")
        return task

    async def projects(self) -> list[dict[str, Any]]:
        return await self._all(f"/{self.name}/projects/", "projects")

    async def points(self) -> list[dict[str, Any]]:
        return await self._all("/points/", "entries")

    async def _all(self, path: str, what: str) -> list[dict[str, Any]]:
        page = await self.get(path)
        found = list(page[what])
        while cursor := page.get("next_cursor"):
            page = await self.get(path, cursor=cursor)
            found += page[what]
        return found

    async def _insist(self, request: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    answer = await request()
                except httpx2.TransportError:
                    pass
                else:
                    if answer.status_code < 500:
                        return answer
                self.retries += 1
                await asyncio.sleep(0.1)


async def settled(stack: Stack, db: Database, *task_ids: str, states: tuple[str, ...] = TERMINAL) -> None:
    """Until every one of these imports ended, or nothing has moved for `PATIENCE` seconds. Without ids: all."""
    which = {"_id": {"$in": [UUID(task_id) for task_id in task_ids]}} if task_ids else {}
    left = {**which, "state": {"$nin": list(states)}}
    seen, since = (-1, -1), asyncio.get_running_loop().time()
    while True:
        stack.check()
        now = asyncio.get_running_loop().time()
        try:
            totals = await db.imports.aggregate(
                [{"$match": which}, {"$group": {"_id": None, "versions": {"$sum": "$version"}}}]
            )
            moved = sum([total["versions"] async for total in totals])
            unfinished = await db.imports.count_documents(left)
        except PyMongoError:  # killed: it comes back
            await asyncio.sleep(0.2)
            continue
        if not unfinished:
            return
        if (unfinished, moved) != seen:
            seen, since = (unfinished, moved), now
        if now - since > PATIENCE:
            stuck = await db.imports.find(left, {"user_id": 0, "options": 0}).limit(3).to_list()
            raise AssertionError(f"{unfinished} imports stand still, such as {stuck}; logs in {stack.folder}")
        await asyncio.sleep(0.1)
