"""What a member follows: made, changed, asked for, removed; and its history."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI

from kit.mongo import Database, Document
from records.sources import sync_runs
from records.sources.outcome import ItemOutcome, RunOutcome, SyncOutcome, child_import, entry
from records.sources.record import SourceState, sync_requested
from records.sources.sync_runs import run_record
from records.sources.transitions import apply_outcome
from services.gateway.sources.service import Sources
from services.gateway.web.provided import find
from tests.unit.gateway.support import FakeBroker, bearer, client_of, gateway_app, settings

SOURCES, IMPORT, MANY = "/api/v1/integrations/sources/", "/api/v1/integrations/import/", "/api/v1/github/import/"
REPO = "https://github.com/octocat/hello"
DAY = timedelta(days=1)


@pytest.fixture
async def ada(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, **bearer("ada")) as client:
        yield client


async def followed(client: httpx2.AsyncClient, url: str = REPO, **body: Any) -> dict[str, Any]:
    answer = await client.post(SOURCES, json={"url": url, **body})
    assert answer.status_code == 201, answer.text
    source: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{SOURCES}{source['id']}/"
    return source


async def after_sync(
    db: Database, source_id: str, ended: SyncOutcome, *items: Document, after: timedelta = DAY
) -> UUID:
    """What the fetcher leaves behind of the sync that is due, which took place so long after that."""
    source = await db["sources"].find_one({"_id": UUID(source_id)})
    assert source
    event = sync_requested(source)
    at = event.due_at + after
    failed = ended.state is not SourceState.OK
    error = {"success": False, "error": ended.reason, "error_code": "X", "action": "a", "suggestion": "s"}
    outcome = replace(ended, entries=items, error=error if failed else None)
    run = run_record(
        event,
        outcome,
        reason=source["next_reason"],
        started_at=at,
        finished_at=at,
        cost={"github.hourly": 2},
        known={},
    ) | {"outcome": RunOutcome.FAILED if failed else RunOutcome.CHANGED}
    await sync_runs.store(db, run, (), {})
    settled = await apply_outcome(db, source["_id"], event.due_at, outcome, at)
    assert settled
    await sync_runs.close(db, run, (), settled)
    return event.id


async def test_a_followed_repository_is_due_at_once_and_weekly_after_that(
    db: Database, ada: httpx2.AsyncClient
) -> None:
    source = await followed(ada)
    assert (source["platform"], source["source_identifier"]) == ("github", REPO)
    assert (source["display_name"], source["sync_frequency"], source["state"]) == ("octocat/hello", "weekly", "ok")
    assert datetime.fromisoformat(source["next_sync_at"]) <= datetime.now(UTC)
    assert (await ada.get(SOURCES)).json() == {"sources": [source], "next_cursor": None}
    assert (await ada.get(f"{SOURCES}{source['id']}/")).json() == source
    await after_sync(db, source["id"], SyncOutcome(SourceState.OK, metadata={"total_commits": 7}), after=timedelta(0))
    after = (await ada.get(f"{SOURCES}{source['id']}/")).json()
    assert after["metadata"] == {"total_commits": 7}
    assert 3 * DAY < datetime.fromisoformat(after["next_sync_at"]) - datetime.now(UTC) < 11 * DAY


async def test_what_is_followed_already_is_named_and_nothing_is_made_twice(
    db: Database, ada: httpx2.AsyncClient
) -> None:
    answers = await asyncio.gather(*(ada.post(SOURCES, json={"url": f"{REPO}/"}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    source = await db["sources"].find_one({})
    assert source
    refused = next(answer for answer in answers if answer.status_code == 409).json()
    assert (refused["error_code"], refused["source_id"]) == ("CONFLICT", str(source["_id"]))
    assert await db["sources"].count_documents({}) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"url": "https://elsewhere.test/"}, 400, "INVALID_URL"),
        ({"url": REPO, "sync_frequency": "hourly"}, 422, "INVALID_REQUEST"),
        ({"url": REPO, "user_id": "user-bob"}, 422, "INVALID_REQUEST"),
        ({"url": REPO, "display_name": "\u202e"}, 422, "INVALID_REQUEST"),
        ({"url": REPO, "display_name": "x" * 101}, 422, "INVALID_REQUEST"),
        ({}, 422, "INVALID_REQUEST"),
    ],
)
async def test_what_cannot_be_followed_is_refused(
    ada: httpx2.AsyncClient, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await ada.post(SOURCES, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


async def test_a_member_follows_no_more_than_the_limit_and_may_remove_one(db: Database) -> None:
    app = gateway_app(settings(sources_per_member=2), db, FakeBroker().publish)
    async with client_of(app, **bearer("ada")) as ada:
        first = await followed(ada, f"{REPO}-1")
        await followed(ada, f"{REPO}-2")
        assert (await ada.post(SOURCES, json={"url": f"{REPO}-3"})).json()["error_code"] == "CONFLICT"
        answer = await ada.post(IMPORT, json={"url": f"{REPO}-3", "auto_sync": "daily"})
        assert (answer.status_code, answer.json()["error_code"]) == (409, "CONFLICT")
        assert await db["imports"].count_documents({}) == 0, "refused before anything is accepted"
        assert (await ada.delete(f"{SOURCES}{first['id']}/")).status_code == 204
        await followed(ada, f"{REPO}-3")


async def test_what_is_removed_is_gone_with_its_history_and_its_notice(db: Database, ada: httpx2.AsyncClient) -> None:
    source = await followed(ada)
    await after_sync(db, source["id"], SyncOutcome(SourceState.GONE, "It is not there."))
    assert (await ada.get("/api/v1/notices/")).json()["notices"][0]["kind"] == "source_gone"
    assert (await ada.delete(f"{SOURCES}{source['id']}/")).status_code == 204
    assert (await ada.get("/api/v1/notices/")).json() == {"notices": []}
    assert [await db[name].count_documents({}) for name in ("sources", "runs")] == [0, 0]
    assert (await ada.delete(f"{SOURCES}{source['id']}/")).status_code == 404


async def test_another_frequency_is_another_next_sync(db: Database, ada: httpx2.AsyncClient) -> None:
    source = await followed(ada)
    path = f"{SOURCES}{source['id']}/"
    assert (await ada.patch(path, json={"sync_frequency": "daily"})).json()["next_sync_at"] == source["next_sync_at"]
    await after_sync(db, source["id"], SyncOutcome(SourceState.OK), after=timedelta(0))
    await ada.patch(path, json={"sync_frequency": "weekly"})
    daily = (await ada.patch(path, json={"sync_frequency": "daily"})).json()
    assert datetime.fromisoformat(daily["next_sync_at"]) - datetime.now(UTC) <= DAY
    assert daily["next_reason"] == "interval"
    for quiet in ({"sync_frequency": "manual"}, {"sync_frequency": "daily", "sync_enabled": False}):
        assert (await ada.patch(path, json=quiet)).json()["next_sync_at"] is None
    renamed = (await ada.patch(path, json={"sync_enabled": True, "display_name": " Mine "})).json()
    assert renamed["next_sync_at"] is not None
    await after_sync(db, source["id"], SyncOutcome(SourceState.OK, display_name="Upstream's"))
    assert (await ada.get(path)).json()["display_name"] == "Mine"


@pytest.mark.parametrize("body", [{"sync_enabled": None}, {"sync_enabled": "yes"}, {"state": "ok"}, {"user_id": "b"}])
async def test_only_what_is_a_members_to_change_is_changed(ada: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    source = await followed(ada)
    assert (await ada.patch(f"{SOURCES}{source['id']}/", json=body)).status_code == 422
    assert (await ada.patch(f"{SOURCES}{source['id']}/", json={})).json() == source


async def test_a_sync_that_is_asked_for_is_due_now_and_there_is_a_limit(db: Database) -> None:
    app = gateway_app(settings(limit_syncs=2), db, FakeBroker().publish)
    async with client_of(app, **bearer("ada")) as ada:
        source = await followed(ada, sync_frequency="manual")
        await after_sync(db, source["id"], SyncOutcome(SourceState.OK))
        for _ in range(2):
            answer = await ada.post(f"{SOURCES}{source['id']}/sync/")
            assert (answer.status_code, answer.json()["next_reason"]) == (202, "requested")
            assert datetime.fromisoformat(answer.json()["next_sync_at"]) <= datetime.now(UTC)
        refused = await ada.post(f"{SOURCES}{source['id']}/sync/")
        assert (refused.status_code, refused.json()["error_code"]) == (429, "RATE_LIMIT")
        assert "request 2 syncs an hour" in refused.json()["error"]
        assert (await ada.post(f"{SOURCES}{uuid4()}/sync/")).status_code == 404


async def test_the_history_says_what_became_of_everything(db: Database, ada: httpx2.AsyncClient) -> None:
    source = await followed(ada)
    await after_sync(db, source["id"], SyncOutcome(SourceState.FAILING, "It did not answer."))
    event_id = sync_requested((await db["sources"].find_one({})) or {}).id
    names = ("new", "old", "bad", "slow", "unseen")
    ids = {name: child_import(event_id, name) for name in names}
    requested = [entry(ItemOutcome.REQUESTED, name, f"{REPO}/{name}", name, import_id=ids[name]) for name in names]
    error = {"success": False, "error": "No.", "error_code": "NO", "action": "a", "suggestion": "s"}
    states: dict[str, Document] = {
        "new": {"state": "completed", "result": {"created": True}},
        "old": {"state": "completed", "result": {"created": False}},
        "bad": {"state": "failed", "error": error},
        "slow": {"state": "processing"},
    }
    for name, state in states.items():
        await db["imports"].insert_one({"_id": ids[name], "user_id": "user-ada", "url": f"{REPO}/{name}", **state})
    others = [
        entry(ItemOutcome.UNCHANGED, "same", f"{REPO}/same", "same"),
        entry(ItemOutcome.SKIPPED, "hidden", f"{REPO}/hidden", "hidden", reason="It is private."),
        entry(ItemOutcome.GONE, "gone", f"{REPO}/gone", "gone"),
    ]
    assert await after_sync(db, source["id"], SyncOutcome(SourceState.OK), *requested, *others) == event_id

    history = (await ada.get(f"{SOURCES}{source['id']}/history/")).json()
    now = (await ada.get(f"{SOURCES}{source['id']}/")).json()
    shared = ("state", "last_checked_at", "last_synced_at", "next_sync_at", "next_reason")
    assert {name: history[name] for name in shared} == {name: now[name] for name in shared}
    last, first = history["runs"]
    assert (first["outcome"], first["reason"], first["error"]["error"]) == ("failed", "new", "It did not answer.")
    assert (first["next_reason"], first["next_sync_at"]) == ("retry", last["due_at"])
    assert (last["outcome"], last["reason"], last["cost"], last["error"]) == (
        "changed",
        "retry",
        {"github.hourly": 2},
        None,
    )
    became = {entry["external_id"]: (entry["outcome"], entry["reason"]) for entry in last["items"]}
    assert became == {
        "new": ("imported", None),
        "old": ("updated", None),
        "bad": ("failed", "No."),
        "slow": ("pending", None),
        "unseen": ("pending", None),
        "same": ("unchanged", None),
        "hidden": ("skipped", "It is private."),
        "gone": ("gone", None),
    }
    assert last["items"][2]["error_code"] == "NO"
    assert last["changes"]["pending"] == 2

    page = (await ada.get(f"{SOURCES}{source['id']}/history/", params={"limit": 1})).json()
    assert page["runs"] == [last]
    rest = await ada.get(f"{SOURCES}{source['id']}/history/", params={"cursor": page["next_cursor"]})
    assert rest.json()["runs"] == [first]


async def test_an_import_may_ask_to_be_kept_in_sync_and_is_synced_again_an_interval_later(
    db: Database, ada: httpx2.AsyncClient
) -> None:
    for _ in range(2):
        answer = await ada.post(IMPORT, json={"url": REPO, "auto_sync": "daily", "is_private": True})
        assert answer.status_code == 202
    (source,) = (await ada.get(SOURCES)).json()["sources"]
    assert (source["source_identifier"], source["sync_frequency"]) == (REPO, "daily")
    wait = datetime.fromisoformat(source["next_sync_at"]) - datetime.now(UTC)
    assert (DAY / 2 - timedelta(minutes=1) < wait <= 1.5 * DAY, source["next_reason"]) == (True, "interval")
    record = await db["sources"].find_one({})
    assert record
    assert record["options"] == {"is_showcase": True, "is_private": True}
    await ada.post(IMPORT, json={"url": REPO, "auto_sync": "weekly"})
    (source,) = (await ada.get(SOURCES)).json()["sources"]
    assert source["sync_frequency"] == "weekly"
    assert (await ada.post(IMPORT, json={"url": REPO, "auto_sync": "manual"})).status_code == 422


async def test_an_import_that_is_refused_is_not_followed(db: Database, ada: httpx2.AsyncClient) -> None:
    project = {"_id": uuid4(), "user_id": "user-ada", "url": REPO, "slug": "hello"}
    await db["projects"].insert_one(project)
    answer = await ada.post(IMPORT, json={"url": REPO, "auto_sync": "daily"})
    assert (answer.status_code, answer.json()["error_code"]) == (409, "DUPLICATE_IMPORT")
    assert await db["sources"].count_documents({}) == 0


async def test_several_repositories_are_followed_together(db: Database, ada: httpx2.AsyncClient) -> None:
    urls = [f"{REPO}-{number}" for number in range(3)]
    answer = await ada.post(MANY, json={"urls": [*urls, "https://nowhere.test/"], "auto_sync": "weekly"})
    assert answer.status_code == 202
    assert {source["source_identifier"] for source in await db["sources"].find().to_list()} == set(urls)


async def test_several_links_need_as_much_room_as_is_followed_of_them(db: Database) -> None:
    app = gateway_app(settings(sources_per_member=2), db, FakeBroker().publish)
    async with client_of(app, **bearer("ada")) as ada:
        await followed(ada, f"{REPO}-1")
        project = {"_id": uuid4(), "user_id": "user-ada", "url": f"{REPO}-old", "slug": "hello"}
        await db["projects"].insert_one(project)
        followed_already, new, none = f"{REPO}-1/", f"{REPO}-2", "https://elsewhere.test/"
        urls = [followed_already, new, f"{new}/", f"{REPO}-old", none, ""]
        answer = await ada.post(MANY, json={"urls": urls, "auto_sync": "daily"})
        assert answer.status_code == 202, answer.text
        assert [child["url"] for child in answer.json()["children"]] == [f"{REPO}-1", new]
        assert {one["source_identifier"] for one in await db["sources"].find().to_list()} == {f"{REPO}-1", new}
        again = await ada.post(MANY, json={"urls": urls, "auto_sync": "weekly"})
        assert again.status_code == 202, "what is followed already needs none"
        for body in ({"urls": [f"{REPO}-3", new]}, {"url": f"{REPO}-3"}):
            answer = await ada.post(MANY, json={**body, "auto_sync": "daily"})
            assert (answer.status_code, answer.json()["error_code"]) == (409, "CONFLICT")


async def test_the_same_key_with_another_wish_is_another_request(ada: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    statuses = [
        (await ada.post(IMPORT, json={"url": REPO, **wish}, headers=key)).status_code
        for wish in ({}, {}, {"auto_sync": "daily"})
    ]
    assert statuses == [202, 202, 422]


@pytest.mark.parametrize("state", ["needs_reauth", "revoked", "gone"])
async def test_who_connects_again_has_what_waited_for_it_synced_now(
    db: Database, app: FastAPI, ada: httpx2.AsyncClient, state: str
) -> None:
    source = await followed(ada)
    await after_sync(db, source["id"], SyncOutcome(SourceState(state), "GitHub does not show it."))
    await find(app, Sources).retry_unreadable("user-ada", "github")
    again = (await ada.get(f"{SOURCES}{source['id']}/")).json()
    assert datetime.fromisoformat(again["next_sync_at"]) <= datetime.now(UTC)
