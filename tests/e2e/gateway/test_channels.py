"""A channel as it is imported at the gateway: followed, under a parent task that lists it first."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from integrations.connections.model import Grant
from integrations.connections.settings import ConnectionSettings
from integrations.provider import Account
from integrations.youtube.oauth import YOUTUBE_READ
from kit.errors import ContentNotFoundError, ImportProblem, RateLimitError
from kit.mongo import Database
from kit.vault import Vault, VaultSettings, new_key
from records import batches
from records.imports import insert, pending
from schemas.events import Options
from services.gateway.connections.service import open_accounts
from tests import databases
from tests.unit.gateway.support import FakeBroker, bearer, client_of, gateway_app, settings
from tests.unit.integrations.channel import ID, URL, FakeChannel

IMPORT = "/api/v1/integrations/youtube/import-channel/"
VIDEO = "https://youtube.com/watch?v=video000001"


@dataclass
class World:
    db: Database
    youtube: FakeChannel
    app: FastAPI
    ada: httpx2.AsyncClient

    async def send(self, status: int = 202, /, **body: Any) -> dict[str, Any]:
        answer = await self.ada.post(IMPORT, json=body)
        assert answer.status_code == status, answer.text
        read: dict[str, Any] = answer.json()
        return read

    async def read(self, accepted: dict[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = (await self.ada.get(accepted["status_url"])).json()
        return body

    async def source(self) -> dict[str, Any]:
        (source,) = await self.db["sources"].find().to_list()
        return source

    async def child(self) -> UUID:
        """As the fetcher stores it before it names it."""
        record = pending(task_id=uuid4(), user_id="user-ada", url=VIDEO, integration="youtube", options=Options(),
                         released=True, now=datetime.now(UTC))  # fmt: skip
        await insert(self.db, record)
        return UUID(str(record["_id"]))

    async def listed(self, accepted: dict[str, Any], *children: UUID) -> None:
        hidden = batches.skipped(f"{VIDEO}2", "This video is private.", "Nothing to do.")
        named = [(VIDEO, child) for child in children]
        await batches.listed(self.db, UUID(accepted["task_id"]), named, [hidden], datetime.now(UTC))

    async def failed(self, accepted: dict[str, Any], problem: ImportProblem) -> None:
        await batches.failed(self.db, UUID(accepted["task_id"]), problem.body(), datetime.now(UTC))


@pytest.fixture
async def world(mongodb: str, database: str) -> AsyncIterator[World]:
    youtube = FakeChannel()
    given = ConnectionSettings(youtube_api_key=SecretStr("k"))
    async with databases.made(mongodb, database) as db, AsyncExitStack() as stack:
        accounts = open_accounts(db, youtube.transport, given, Vault(VaultSettings.model_construct()))
        app = gateway_app(settings(limit_channels=3), db, FakeBroker().publish, accounts=accounts)
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield World(db, youtube, app, await stack.enter_async_context(client_of(app, **bearer())))


async def test_a_channel_is_followed_daily_under_a_task_that_lists_it_first(world: World) -> None:
    accepted = await world.send(channel_url="https://www.youtube.com/@somebody", max_videos=20, is_showcase=False)
    assert (accepted["kind"], accepted["children"], accepted["refused"]) == ("batch", [], [])
    source = await world.source()
    assert (source["user_id"], source["platform"], source["source_identifier"]) == ("user-ada", "youtube", ID)
    assert source["url"] == URL
    assert (source["display_name"], source["sync_frequency"], source["max_items"]) == ("Somebody", "daily", 20)
    assert source["options"] == {"is_showcase": False, "is_private": False}
    assert source["metadata"]["subscriber_count"] == 1234
    assert str(source["task_id"]) == accepted["task_id"]
    assert source["next_sync_at"] <= datetime.now(UTC)
    assert world.youtube.calls == {"channels": 1}

    task = await world.read(accepted)
    assert (task["status"], task["progress"], task["message"]) == ("processing", 0, "Reading the channel")
    assert (task["url"], task["total"], task["version"]) == (URL, 0, 1)


async def test_an_id_is_taken_without_a_call(world: World) -> None:
    await world.send(channel_id=ID)
    assert (await world.source())["source_identifier"] == ID
    assert not world.youtube.calls


async def test_its_task_counts_the_videos_that_were_listed(world: World) -> None:
    accepted = await world.send(channel_id=ID)
    child = await world.child()
    await world.listed(accepted, child)
    task = await world.read(accepted)
    assert (task["status"], task["total"], task["message"]) == ("pending", 2, "0 of 1 imported, 1 refused")
    assert [one["url"] for one in task["children"]] == [VIDEO]
    assert task["refused"][0]["error"] == "This video is private."

    ended = {"state": "completed", "progress": 6, "message": "Ready", "points": 50,
             "result": {"project_id": uuid4(), "slug": "one", "created": True}}  # fmt: skip
    await world.db["imports"].update_one({"_id": child}, {"$set": ended, "$inc": {"version": 1}})
    task = await world.read(accepted)
    assert (task["status"], task["progress"], task["completed"], task["points"]) == ("completed", 100, 1, 50)


async def test_a_listing_ends_once(world: World) -> None:
    accepted = await world.send(channel_id=ID)
    await world.listed(accepted)
    await batches.failed(
        world.db, UUID(accepted["task_id"]), ContentNotFoundError("Too late.").body(), datetime.now(UTC)
    )
    task = await world.read(accepted)
    assert (task["status"], task["progress"], task["version"]) == ("completed", 100, 2)
    assert "error" not in task


async def test_a_listing_that_waits_says_for_what(world: World) -> None:
    accepted = await world.send(channel_id=ID)
    why = "YouTube's limit resets at 08:00 UTC."
    at = datetime(2026, 3, 1, 8, tzinfo=UTC)
    await batches.waiting(world.db, UUID(accepted["task_id"]), why, at, datetime.now(UTC))
    task = await world.read(accepted)
    assert (task["status"], task["message"], task["version"]) == ("processing", why, 2)
    assert datetime.fromisoformat(task["retry_at"]) == at
    await world.listed(accepted)
    task = await world.read(accepted)
    assert (task["status"], task.get("retry_at")) == ("completed", None)


async def test_a_listing_that_fails_says_why(world: World) -> None:
    accepted = await world.send(channel_id=ID)
    problem = RateLimitError("YouTube's limit resets at 08:00 UTC.", retry_at=datetime(2026, 3, 1, 8, tzinfo=UTC))
    await world.failed(accepted, problem)
    task = await world.read(accepted)
    assert (task["status"], task["error_code"], task["message"]) == ("failed", "RATE_LIMIT", problem.error)
    assert task["retry_at"].startswith("2026-03-01T08:00:00")


async def test_the_stream_goes_from_the_listing_to_its_children(world: World, served: str) -> None:
    accepted = await world.send(channel_id=ID)
    child = await world.child()
    ended = {"state": "failed", "message": "No.", "error": _error()}
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: world.listed(accepted, child),
        lambda: world.db["imports"].update_one({"_id": child}, {"$set": ended, "$inc": {"version": 1}}),
    ]
    told: list[dict[str, Any]] = []
    async with (
        httpx2.AsyncClient(base_url=served, headers=bearer(), timeout=30) as client,
        client.stream("GET", accepted["events_url"]) as response,
    ):
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                told.append(json.loads(line.removeprefix("data:")))
                if steps:
                    await steps.pop(0)()
    assert [(one["status"], one["total"]) for one in told] == [("processing", 0), ("pending", 2), ("failed", 2)]
    assert told[-1] == await world.read(accepted)


async def test_a_request_that_is_repeated_gets_the_task_under_way(world: World) -> None:
    first, *others = await asyncio.gather(*(world.send(channel_id=ID) for _ in range(3)))
    assert {one["task_id"] for one in others} == {first["task_id"]}
    assert await world.db["batches"].count_documents({}) == 1


async def test_a_channel_that_is_followed_is_not_imported_again(world: World) -> None:
    accepted = await world.send(channel_id=ID)
    await world.listed(accepted)
    await world.db["sources"].update_one({}, {"$set": {"last_synced_at": datetime.now(UTC), "task_id": None}})
    refused = await world.send(409, channel_url=URL)
    assert (refused["error_code"], refused["action"]) == ("DUPLICATE_IMPORT", "view_source")
    assert refused["source_id"] == str((await world.source())["_id"])
    assert await world.db["batches"].count_documents({}) == 1


async def test_a_channel_that_was_imported_answers_with_its_source_and_projects(world: World) -> None:
    await world.listed(await world.send(channel_id=ID))
    await world.db["sources"].update_one({}, {"$set": {"last_synced_at": datetime.now(UTC), "task_id": None}})
    source = await world.source()
    links = [f"https://youtube.com/watch?v=video00000{number}" for number in range(3)]
    for number, (owner, link) in enumerate([("user-ada", links[0]), ("user-ada", links[1]), ("user-bob", links[2])]):
        at = datetime(2026, 3, 14, number, tzinfo=UTC)
        await world.db["projects"].insert_one(
            {"_id": uuid4(), "user_id": owner, "url": link, "slug": f"s{number}", "title": link, "created_at": at}
        )
        await world.db["source_items"].insert_one({"_id": link, "source_id": source["_id"], "url": link, "at": at})
    await world.db["projects"].insert_one({"_id": uuid4(), "user_id": "user-ada", "url": "https://github.com/a/b"})
    refused = await world.send(409, channel_id=ID)
    assert (refused["error_code"], refused["action"]) == ("DUPLICATE_IMPORT", "view_source")
    shown = (await world.ada.get(f"/api/v1/integrations/sources/{source['_id']}/")).json()
    assert (refused["source_id"], refused["source"]) == (str(source["_id"]), shown)
    assert [one["project_url"] for one in refused["projects"]] == ["/ada/s1", "/ada/s0"], "hers, the newest first"
    assert [one["title"] for one in refused["projects"]] == [links[1], links[0]]


async def test_to_name_a_channel_that_is_followed_counts(world: World) -> None:
    handle = "https://youtube.com/@somebody"
    await world.listed(await world.send(channel_url=handle))
    await world.db["sources"].update_one({}, {"$set": {"last_synced_at": datetime.now(UTC), "task_id": None}})
    for _ in range(2):
        await world.send(409, channel_url=handle)
    await world.send(429, channel_url=handle)
    assert world.youtube.calls == {"channels": 3}


async def test_a_first_look_that_came_to_nothing_is_asked_for_again(world: World) -> None:
    accepted = await world.send(channel_id=ID)
    await batches.failed(
        world.db, UUID(accepted["task_id"]), ContentNotFoundError("Not there.").body(), datetime.now(UTC)
    )
    await world.db["sources"].update_one({}, {"$set": {"state": "gone", "next_sync_at": None, "task_id": None}})
    again = await world.send(channel_id=ID, max_videos=5)
    source = await world.source()
    assert (str(source["task_id"]), source["max_items"], source["next_reason"]) == (again["task_id"], 5, "requested")
    assert source["next_sync_at"] <= datetime.now(UTC)
    assert (await world.read(again))["status"] == "processing"


async def test_an_idempotency_key_is_answered_with_the_same_task(world: World) -> None:
    headers = {"Idempotency-Key": "once"}
    body = {"channel_url": "https://www.youtube.com/@somebody"}
    first = (await world.ada.post(IMPORT, json=body, headers=headers)).json()
    await world.db["sources"].update_one({}, {"$set": {"last_synced_at": datetime.now(UTC)}})
    again = await world.ada.post(IMPORT, json=body, headers=headers)
    assert (again.status_code, again.json()["task_id"]) == (202, first["task_id"])
    other = await world.ada.post(IMPORT, json={**body, "max_videos": 3}, headers=headers)
    assert (other.status_code, other.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert world.youtube.calls == {"channels": 1}


async def test_a_key_that_joined_a_listing_under_way_is_remembered_too(world: World) -> None:
    headers = {"Idempotency-Key": "second"}
    first = await world.send(channel_id=ID)
    sent = (world.ada.post(IMPORT, json={"channel_id": ID}, headers=headers) for _ in range(2))
    joined = await asyncio.gather(*sent)
    assert [answer.json()["task_id"] for answer in joined] == [first["task_id"]] * 2
    other = await world.ada.post(IMPORT, json={"channel_id": ID, "max_videos": 3}, headers=headers)
    assert (other.status_code, other.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    await world.listed(first)
    await world.db["sources"].update_one({}, {"$set": {"last_synced_at": datetime.now(UTC)}})
    again = await world.ada.post(IMPORT, json={"channel_id": ID}, headers=headers)
    assert (again.status_code, again.json().get("task_id")) == (202, first["task_id"])
    assert await world.db["batches"].count_documents({}) == 1


async def test_a_name_that_nobody_has_counts_and_follows_nothing(world: World) -> None:
    for _ in range(3):
        refused = await world.send(404, channel_url="https://youtube.com/@nobody")
        assert refused["error_code"] == "CONTENT_NOT_FOUND"
    limited = await world.send(429, channel_url="https://youtube.com/@nobody")
    assert limited["error_code"] == "RATE_LIMIT"
    assert world.youtube.calls == {"channels": 3}
    assert await world.db["sources"].count_documents({}) == await world.db["batches"].count_documents({}) == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"channel_url": URL, "channel_id": ID},
        {"channel_url": URL, "max_videos": 0},
        {"channel_url": URL, "max_videos": 51},
        {"channel_url": URL, "max_videos": "5"},
        {"channel_url": URL, "is_showcase": "yes"},
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(world: World, body: dict[str, Any]) -> None:
    assert (await world.send(422, **body))["error_code"] == "INVALID_REQUEST"


async def test_a_link_that_names_no_channel_is_refused_with_a_hint(world: World) -> None:
    refused = await world.send(400, channel_url="https://youtu.be/dQw4w9WgXcQ")
    assert (refused["error_code"], "handle" in refused["suggestion"]) == ("INVALID_URL", True)
    assert not world.youtube.calls


@pytest.mark.parametrize("link", ["https://youtube.com/watch?v=dQw4w9WgXcQ", "https://github.com/octocat/hello"])
async def test_a_link_that_is_imported_by_itself_is_told_where(world: World, link: str) -> None:
    refused = await world.send(400, channel_url=link)
    assert (refused["error_code"], refused["action"]) == ("INVALID_URL", "import_link")
    assert "/api/v1/integrations/import/" in refused["suggestion"]


async def test_a_task_whose_channel_is_removed_meanwhile_ends(world: World) -> None:
    accepted = await world.send(channel_url=URL)
    source = await world.source()
    assert (await world.ada.delete(f"/api/v1/integrations/sources/{source['_id']}/")).status_code == 204
    body = await world.read(accepted)
    assert (body["status"], body["message"]) == ("failed", "The channel was unfollowed before it could be read.")


def _error() -> dict[str, Any]:
    return {name: value for name, value in ContentNotFoundError("No.").body().items() if name != "success"}


# On a server without a key


async def test_a_member_with_youtube_connected_imports_a_channel_on_a_server_without_a_key(
    mongodb: str, database: str
) -> None:
    youtube = FakeChannel()
    given = ConnectionSettings(google_client_id="id", google_client_secret=SecretStr("secret"))
    vault = Vault(VaultSettings(token_keys=SecretStr(new_key("test"))))
    async with databases.made(mongodb, database) as db, AsyncExitStack() as stack:
        accounts = open_accounts(db, youtube.transport, given, vault)
        app = gateway_app(settings(limit_channels=3), db, FakeBroker().publish, accounts=accounts)
        await stack.enter_async_context(app.router.lifespan_context(app))
        ada = await stack.enter_async_context(client_of(app, **bearer()))
        refused = await ada.post(IMPORT, json={"channel_id": "@somebody"})
        assert (refused.json()["error_code"], refused.json()["action"]) == ("AUTH_ERROR", "connect_youtube")
        grant = Grant(SecretStr("ya29.ada"), scopes=(YOUTUBE_READ,))
        await accounts.connections.save("user-ada", "youtube", Account("7", "ada"), grant)
        accepted = await ada.post(IMPORT, json={"channel_id": "@somebody"})
        assert accepted.status_code == 202, accepted.text
        (source,) = await db["sources"].find().to_list()
        assert (source["source_identifier"], source["display_name"]) == (ID, "Somebody")
