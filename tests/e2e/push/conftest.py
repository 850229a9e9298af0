"""A gateway that takes pushes and the scheduler's side of them, over a real MongoDB and under one clock."""

import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from integrations.youtube.urls import channel_url
from kit.mongo import Database, Document
from records.sources.record import Frequency, Identity, follow, new_source
from records.sources.websub import Callback, callback
from schemas.events import Options
from services.gateway.sources.service import Sources
from services.gateway.web.provided import provide
from services.gateway.webhooks.service import Pushes
from services.gateway.webhooks.websub import Subscriptions
from tests.databases import made
from tests.unit.gateway.support import FakeBroker, client_of, gateway_app, settings

KEY = SecretStr("the key that callbacks and their secrets are derived from")
GITHUB_SECRET = "the secret of GitHub's webhook"
CHANNEL = "UCXuqSBlHAE6Xw-yeJA0Tunw"
ANOTHER = "UC-9-kyTW8ZkZNDHQJ6FgpwQ"
REPOSITORY = "https://github.com/octocat/hello-world"
TOPIC = "https://www.youtube.com/xml/feeds/videos.xml?channel_id="
LONG_AGO = timedelta(hours=5)


@dataclass
class Clock:
    time: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def now(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by


@dataclass
class World:
    db: Database
    clock: Clock
    pushes: Pushes
    subscriptions: Subscriptions
    client: httpx2.AsyncClient

    def serve(self, app: FastAPI) -> FastAPI:
        """The same, under this world's clock."""
        provide(app, {Pushes: self.pushes, Subscriptions: self.subscriptions})
        return app

    async def follows(self, member: str, link: str = channel_url(CHANNEL), **changes: Any) -> Document:
        """A source that was synced long ago, and comes tomorrow."""
        platform = "github" if "github" in link else "youtube"
        now = self.clock.now()
        source = new_source(
            Identity(f"user-{member}", platform, link),
            display_name=link,
            frequency=Frequency.DAILY,
            options=Options(),
            now=now - LONG_AGO,
            identifier=link.removeprefix(channel_url("")),
        )
        tomorrow = now + timedelta(days=1)
        synced = {"last_checked_at": now - LONG_AGO, "next_sync_at": tomorrow, "emit_at": tomorrow, "updated_at": now}
        stored, _ = await follow(self.db, {**source, **synced, "next_reason": "interval", **changes})
        return stored

    async def unfollow(self, member: str) -> None:
        """All that the member follows."""
        user_id = f"user-{member}"
        sources = Sources(self.db, per_member=100, now=self.clock.now)
        for source in await self.db.sources.find({"user_id": user_id}).to_list():
            await sources.remove(user_id, source["_id"])

    async def pushed(self) -> list[str]:
        """Who has a source that a push has made due by now."""
        due = {"next_reason": "push", "next_sync_at": {"$lte": self.clock.now()}}
        return sorted([source["user_id"].removeprefix("user-") async for source in self.db.sources.find(due)])

    async def emitted(self) -> None:
        """The syncs that are due begin."""
        now = self.clock.now()
        await self.db.sources.update_many({"emit_at": {"$lte": now}}, {"$set": {"emit_at": now + timedelta(days=1)}})

    async def synced(self) -> None:
        """The syncs that are due end."""
        now = self.clock.now()
        tomorrow = now + timedelta(days=1)
        ended = {"last_checked_at": now, "next_sync_at": tomorrow, "emit_at": tomorrow, "next_reason": "interval"}
        await self.db.sources.update_many({"next_sync_at": {"$lte": now}}, {"$set": ended})

    async def due_at(self) -> datetime:
        """When the one source there is is synced next."""
        (source,) = await self.db.sources.find().to_list()
        due_at: datetime = source["next_sync_at"]
        return due_at

    async def subscribed(self, channel_id: str = CHANNEL, **changes: Any) -> Callback:
        """As the scheduler leaves it when it has asked the hub."""
        now, address = self.clock.now(), callback(KEY, channel_id)
        record = {
            "_id": channel_id, "platform": "youtube",
            "state": "pending", "asked": "subscribe", "callback": address.digest, "terms": "",
            "failures": 1, "lease_until": None, "due_at": now + timedelta(minutes=15), "created_at": now,
            "updated_at": now,
        }  # fmt: skip
        await self.db.subscriptions.insert_one({**record, **changes})
        return address

    async def push(self, address: Callback, body: bytes, **headers: str) -> httpx2.Response:
        """By the hub, signed unless the headers say otherwise."""
        sent = {"X-Hub-Signature": signature(body, address.secret.get_secret_value(), "sha1"), **headers}
        return await self.client.post(f"/webhooks/websub/{address.token}/", content=body, headers=sent)

    async def github(
        self, event: str = "push", delivery: str = "delivery-1", body: bytes | None = None, **headers: str
    ) -> httpx2.Response:
        body = event_body() if body is None else body
        sent = {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": signature(body, GITHUB_SECRET, "sha256"),
            **headers,
        }
        return await self.client.post("/webhooks/github/", content=body, headers=sent)


def signature(body: bytes, secret: str, method: str) -> str:
    return f"{method}={hmac.new(secret.encode(), body, method).hexdigest()}"


def event_body(link: str = "https://github.com/octocat/Hello-World", **members: Any) -> bytes:
    repository = {"html_url": link, "default_branch": "main"}
    return json.dumps({"ref": "refs/heads/main", "repository": repository, **members}).encode()


@pytest.fixture
async def db(mongodb: str, database: str) -> AsyncIterator[Database]:
    async with made(mongodb, database) as db:
        yield db


@pytest.fixture
async def world(db: Database) -> AsyncIterator[World]:
    clock = Clock()
    given = settings(webhook_key=KEY, github_webhook_secret=SecretStr(GITHUB_SECRET))
    pushes, subscriptions = Pushes(db, now=clock.now), Subscriptions(db, KEY, now=clock.now)
    app = gateway_app(given, db, FakeBroker().publish)
    async with client_of(app) as client:
        world = World(db, clock, pushes, subscriptions, client)
        world.serve(app)
        yield world
