"""The floor: the same five hops with bare aiokafka, pydantic, aiohttp, PyMongo, uvloop (`python -m bench.floor HOP`).

What it does as ours: the same event models, three GitHub calls at once, one model call, the project model, one project
written, one ledger entry, one status write per hop, `acks=all`, six partitions a topic, one process a hop.
What it leaves out: retries, key order, commits that follow the work (offsets are committed by the clock), dead
letters, bounds on what upstreams send, links made absolute, memory of analyses, metrics, logs, probes, tokens.
"""

import argparse
import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import aiohttp
import uvloop
from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import BaseModel
from pydantic_settings import BaseSettings
from pymongo import AsyncMongoClient

from schemas.content import Analysis, Content, CoverBlock, Item, Project, TextBlock
from schemas.events import (
    MAX_EVENT_BYTES,
    ContentAnalyzed,
    ContentFetched,
    Event,
    ImportRequested,
    PointsAwarded,
    ProjectDrafted,
    ProjectSaved,
)

PREFIX = "floor."
AT_ONCE = 500  # events in flight in one process
POINTS = 50
ANSWER = {
    "type": "json_schema",
    "json_schema": {
        "name": "analysis",
        "strict": True,
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["description", "technologies", "project_type"],
            "properties": {
                "description": {"type": "string"},
                "technologies": {"type": "array", "items": {"type": "string"}},
                "project_type": {"type": "string", "enum": ["library", "application", "tool", "other"]},
            },
        },
    },
}


class FloorSettings(BaseSettings):
    kafka_bootstrap_servers: str
    mongodb_url: str
    mongodb_database: str = "floor"
    github_api_url: str
    openai_base_url: str
    port: int = 0


@dataclass
class Tools:
    settings: FloorSettings
    http: aiohttp.ClientSession
    db: Any
    producer: AIOKafkaProducer

    async def get(self, path: str) -> Any:
        async with self.http.get(self.settings.github_api_url + path) as response:
            return json.loads(await response.read())

    async def publish(self, event: Event) -> None:
        await self.producer.send_and_wait(PREFIX + event.topic, event.model_dump_json().encode(), event.key)


def _same(event: Event, child: type[Event]) -> dict[str, Any]:
    return {
        "id": event.child_id(child),
        "import_id": event.import_id,
        "user_id": event.user_id,
        "url": event.url,
    }


async def fetch(tools: Tools, event: ImportRequested) -> ContentFetched:
    path = "/repos/" + event.url.removeprefix("https://github.com/")
    repo, readme, languages = await asyncio.gather(
        tools.get(path), tools.get(f"{path}/readme"), tools.get(f"{path}/languages")
    )
    item = Item(
        integration="github",
        external_id=str(repo["id"]),
        url=event.url,
        kind="github_repo",
        title=repo["name"],
        full_name=repo["full_name"],
        description=repo["description"] or "",
        text=base64.b64decode(readme["content"]).decode(),
        language=repo["language"],
        languages=tuple(languages),
        topics=tuple(repo["topics"]),
        metadata={"stars": repo["stargazers_count"], "forks": repo["forks_count"], "pushed_at": repo["pushed_at"]},
    )
    return ContentFetched(**_same(event, ContentFetched), item=item, options=event.options)


async def analyze(tools: Tools, event: ContentFetched) -> ContentAnalyzed:
    item = event.item
    facts = {"full_name": item.full_name, "description": item.description, "text": item.text[:1_000]}
    body = {
        "model": "gpt-4o-mini",
        "temperature": 0.3,
        "messages": [
            {"role": "system", "content": "Describe the project in two or three sentences."},
            {"role": "user", "content": json.dumps(facts)},
        ],
        "response_format": ANSWER,
    }
    url, headers = f"{tools.settings.openai_base_url}/chat/completions", {"authorization": "Bearer sandbox-key"}
    async with tools.http.post(url, json=body, headers=headers) as response:
        answer = json.loads(await response.read())
    said = json.loads(answer["choices"][0]["message"]["content"])
    analysis = Analysis(**said, source="model", model="gpt-4o-mini")
    return ContentAnalyzed(**_same(event, ContentAnalyzed), item=item, analysis=analysis, options=event.options)


async def transform(_tools: Tools, event: ContentAnalyzed) -> ProjectDrafted:
    item, analysis = event.item, event.analysis
    project = Project(
        type=item.kind,
        title=item.title,
        description=analysis.description,
        external_url=item.url,
        is_showcase=event.options.is_showcase,
        is_private=event.options.is_private,
        content=Content(blocks=(CoverBlock(title=item.title), TextBlock(content=item.text))),
        technologies=analysis.technologies,
        project_type=analysis.project_type,
        analysis_source=analysis.source,
        metadata=item.metadata,
    )
    return ProjectDrafted(**_same(event, ProjectDrafted), project=project)


async def persist(tools: Tools, event: ProjectDrafted) -> ProjectSaved:
    project = event.project
    project_id, slug = uuid5(event.import_id, "project"), project.title.lower()
    await tools.db.projects.update_one(
        {"user_id": event.user_id, "external_url": project.external_url},
        {"$set": project.model_dump(mode="json", exclude={"external_url"}), "$setOnInsert": {"_id": project_id}},
        upsert=True,
    )
    return ProjectSaved(
        **_same(event, ProjectSaved), project_id=project_id, slug=slug, title=project.title, created=True
    )


async def award(tools: Tools, event: ProjectSaved) -> PointsAwarded:
    await tools.db.points.update_one(
        {"_id": event.project_id}, {"$setOnInsert": {"user_id": event.user_id, "points": POINTS}}, upsert=True
    )
    return PointsAwarded(
        **_same(event, PointsAwarded),
        project_id=event.project_id,
        slug=event.slug,
        points=POINTS,
        reason="project_create",
    )


HOPS: dict[str, tuple[type[Event], Callable[[Tools, Any], Awaitable[Event]]]] = {
    "fetcher": (ImportRequested, fetch),
    "analyzer": (ContentFetched, analyze),
    "transformer": (ContentAnalyzed, transform),
    "writer": (ProjectDrafted, persist),
    "awarder": (ProjectSaved, award),
}
DOOR = "gateway"


async def run_hop(name: str, tools: Tools) -> None:
    consumes, handle = HOPS[name]
    consumer = AIOKafkaConsumer(
        PREFIX + consumes.topic,
        bootstrap_servers=tools.settings.kafka_bootstrap_servers,
        group_id=PREFIX + name,
        auto_offset_reset="earliest",
    )
    slots, running = asyncio.Semaphore(AT_ONCE), set[asyncio.Task[None]]()

    async def one(value: bytes) -> None:
        try:
            event = await handle(tools, consumes.model_validate_json(value))
            status = {"$set": {"stage": name, "updated_at": datetime.now(UTC)}, "$inc": {"version": 1}}
            await asyncio.gather(
                tools.publish(event), tools.db.imports.update_one({"_id": event.import_id}, status, upsert=True)
            )
        finally:
            slots.release()

    await consumer.start()
    try:
        while True:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    await slots.acquire()
                    task = asyncio.create_task(one(record.value))
                    running.add(task)
                    task.add_done_callback(running.discard)
    finally:
        await consumer.stop()


class Body(BaseModel):
    url: str
    user: str


async def run_door(tools: Tools) -> None:
    """The front door: one record inserted, one event published, 202."""

    async def accept(request: web.Request) -> web.Response:
        body = Body.model_validate_json(await request.read())
        task_id: UUID = uuid4()
        now = datetime.now(UTC)
        await tools.db.imports.insert_one({"_id": task_id, "url": body.url, "user_id": body.user, "created_at": now})
        await tools.publish(
            ImportRequested(id=uuid4(), import_id=task_id, user_id=body.user, url=body.url, requested_at=now)
        )
        return web.json_response({"task_id": str(task_id)}, status=202)

    app = web.Application()
    app.router.add_post("/import", accept)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", tools.settings.port).start()
    await asyncio.Event().wait()


async def run(name: str) -> None:
    settings = FloorSettings()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(settings.mongodb_url, uuidRepresentation="standard")
        stack.push_async_callback(client.close)
        producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap_servers, acks="all", max_request_size=MAX_EVENT_BYTES
        )
        await producer.start()
        stack.push_async_callback(producer.stop)
        tools = Tools(settings, http, client[settings.mongodb_database], producer)
        await (run_door(tools) if name == DOOR else run_hop(name, tools))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.floor", description=__doc__)
    parser.add_argument("hop", choices=(*HOPS, DOOR))
    uvloop.run(run(parser.parse_args().hop))
