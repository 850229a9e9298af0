"""A gateway over a real MongoDB, and what the stages behind it would do."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from kit.errors import ContentNotFoundError
from kit.mongo import Database, Document
from schemas.content import Project
from services.gateway.tasks.stream import StatusStream
from services.gateway.web.provided import find
from tests import databases
from tests.ports import own_port
from tests.unit.gateway.support import (
    AUDIENCE,
    ISSUER,
    SECRET,
    FakeBroker,
    bearer,
    client_of,
    gateway_app,
    settings,
)

REPO = "https://github.com/octocat/hello-world"
IMPORT = "/api/v1/integrations/import/"


@dataclass
class World:
    """A gateway, its database, and what the stages behind it would do."""

    db: Database
    broker: FakeBroker
    app: FastAPI
    stack: AsyncExitStack

    async def client(self, name: str = "ada") -> httpx2.AsyncClient:
        return await self.stack.enter_async_context(client_of(self.app, **bearer(name)))

    async def accept(self, client: httpx2.AsyncClient, url: str = REPO, **headers: str) -> str:
        answer = await client.post(IMPORT, json={"url": url}, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    async def move(self, task_id: str, **changes: Any) -> None:
        """What the projector does when it reads an event."""
        changed = {"$set": {**changes, "updated_at": datetime.now(UTC)}, "$inc": {"version": 1}}
        assert (await self.db["imports"].update_one({"_id": UUID(task_id)}, changed)).matched_count == 1

    async def complete(self, task_id: str) -> UUID:
        """What the writer, the awarder and the projector leave behind."""
        record = await self.db["imports"].find_one({"_id": UUID(task_id)}) or {}
        project = await self.save_project(record["user_id"], record["url"], import_id=record["_id"])
        result = {"project_id": project, "slug": slug_of(record["url"]), "created": True}
        await self.move(task_id, state="completed", stage="awarder", progress=6, message="Your project is ready",
                        active=False, result=result, points=50)  # fmt: skip
        return project

    async def fail(self, task_id: str) -> None:
        error = ContentNotFoundError("The repository does not exist.").body()
        del error["success"]
        await self.move(task_id, state="failed", stage="fetcher", message=error["error"], active=False, error=error)

    async def save_project(self, user_id: str, url: str, **changes: Any) -> UUID:
        project_id, now = uuid4(), datetime.now(UTC)
        project = Project.model_validate({
            "type": "github_repo", "title": "Hello", "description": "Says hello.", "external_url": url,
            "is_showcase": True, "is_private": False,
            "content": {"blocks": [{"type": "text", "content": "# Hello"}]}, "technologies": ["Python"],
            "project_type": "library", "analysis_source": "extractive", "metadata": {"stars": 3},
        })  # fmt: skip
        stored: Document = {
            **project.model_dump(mode="json"),
            "external_id": url,
            "_id": project_id,
            "user_id": user_id,
            "url": url,
        }
        stored |= {"slug": slug_of(url), "created_by": uuid4(), "created_at": now, "updated_at": now, **changes}
        await self.db["projects"].insert_one(stored)
        return project_id


def slug_of(url: str) -> str:
    return url.rpartition("/")[2]


@pytest.fixture
async def world(mongodb: str, database: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """With the module's `SETTINGS`."""
    async with databases.made(mongodb, database) as db, AsyncExitStack() as stack:
        broker = FakeBroker()
        given = settings(**getattr(request.module, "SETTINGS", {}))
        app = gateway_app(given, db, broker.publish)
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield World(db, broker, app, stack)


@pytest.fixture
async def served(world: World) -> AsyncIterator[str]:
    """The same gateway behind a real server, where streaming is real."""
    server = uvicorn.Server(uvicorn.Config(world.app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    find(world.app, StatusStream).close()
    server.should_exit = True
    await serving


class Gateway:
    def __init__(self, process: asyncio.subprocess.Process, client: httpx2.AsyncClient) -> None:
        self.process, self.client = process, client


class Start(Protocol):
    def __call__(self, kafka: str, **settings: str) -> AbstractAsyncContextManager[Gateway]: ...


@pytest.fixture
def start(mongodb: str, database: str) -> Start:
    """Starts the process with a Kafka address and more settings, and gives it back when it serves."""

    @asynccontextmanager
    async def started(kafka: str, **more: str) -> AsyncIterator[Gateway]:
        port = own_port()
        environment = {
            **os.environ,
            "MONGODB_URL": mongodb,
            "MONGODB_DATABASE": database,
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "JWT_KEY": SECRET,
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "PORT": str(port),
            **more,
        }
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.gateway.app", env=environment)
        try:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=bearer(), timeout=30) as client:
                await serving(client, process)
                yield Gateway(process, client)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return started


async def serving(client: httpx2.AsyncClient, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.05)
    raise AssertionError("the gateway ended at its start")
