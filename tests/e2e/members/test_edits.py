"""Owners change their projects, and no sync takes that back: over HTTP and the writer's own store."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from kit.mongo import Database
from schemas.content import CoverBlock
from services.writer.store import ProjectStore
from tests.e2e.projects.drafts import OLD, draft, source_synced
from tests.unit.gateway.support import bearer, client_of


@pytest.fixture
def store(db: Database) -> ProjectStore:
    return ProjectStore(db)


@pytest.fixture
async def ada(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, **bearer("ada")) as client:
        yield client


async def sync(store: ProjectStore, at: int, **changes: Any) -> UUID:
    """What a sync finds at this hour."""
    event = draft(at, **changes).model_copy(update={"user_id": "user-ada"})
    return (await store.save(event)).id


async def read(client: httpx2.AsyncClient, project: UUID) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/projects/{project}/")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def change(client: httpx2.AsyncClient, project: UUID, **changes: Any) -> dict[str, Any]:
    answer = await client.patch(f"/api/v1/projects/{project}/", json=changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_edit_outlives_every_sync_and_the_upstreams_word_is_offered(
    ada: httpx2.AsyncClient, store: ProjectStore
) -> None:
    project = await sync(store, 1, content={"blocks": [CoverBlock(title="Engine 1")]})
    edited = await change(ada, project, title=" My engine ", is_showcase=False)
    assert (edited["title"], edited["is_showcase"], edited["description"]) == ("My engine", False, "As of 1.")
    assert (edited["edited"], edited["upstream_changes"]) == (["is_showcase", "title"], {
        "title": "Engine 1", "description": None, "is_private": None,
    })  # fmt: skip
    await sync(store, 2, content={"blocks": [CoverBlock(title="Engine 2")]})
    synced = await read(ada, project)
    assert (synced["title"], synced["is_showcase"]) == ("My engine", False)
    assert synced["description"] == "As of 2.", "what was not edited stays fresh"
    assert synced["upstream_changes"]["title"] == "Engine 2"
    assert synced["content"]["blocks"][0]["title"] == "My engine", "the cover says what the title says"


async def test_null_takes_what_the_upstream_says(ada: httpx2.AsyncClient, store: ProjectStore) -> None:
    project = await sync(store, 1)
    await change(ada, project, title="Mine", description="$description")
    await sync(store, 2)
    taken = await change(ada, project, title=None)
    assert (taken["title"], taken["description"], taken["edited"]) == ("Engine 2", "$description", ["description"])
    await sync(store, 3)
    assert (await read(ada, project))["title"] == "Engine 3"


async def test_only_its_owner_changes_a_project_or_sees_what_was_changed(
    ada: httpx2.AsyncClient, app: FastAPI, store: ProjectStore
) -> None:
    project = await sync(store, 1)
    await change(ada, project, title="Mine")
    async with client_of(app, **bearer("bob")) as bob:
        refused = await bob.patch(f"/api/v1/projects/{project}/", json={"title": "His"})
        assert (refused.status_code, refused.json()["error_code"]) == (404, "NOT_FOUND")
        seen = await read(bob, project)
    assert (seen["title"], seen["edited"], seen["upstream_changes"]) == ("Mine", [], None)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"title": "x" * 301},
        {"title": "a\u202eb"},
        {"title": {"$set": 1}},
        {"description": "x" * 5_001},
        {"description": "a\x00b"},
        {"is_private": None},
        {"is_private": "yes"},
        {"is_showcase": 1},
        {"user_id": "user-bob"},
        {"slug": "mine"},
        {"external_url": OLD},
    ],
)
async def test_what_cannot_be_edited_is_refused(
    ada: httpx2.AsyncClient, store: ProjectStore, changes: dict[str, Any]
) -> None:
    project = await sync(store, 1)
    answer = await ada.patch(f"/api/v1/projects/{project}/", json=changes)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "INVALID_REQUEST")


async def test_what_was_imported_while_private_is_nobody_elses_until_its_source_is_public(
    ada: httpx2.AsyncClient, app: FastAPI, store: ProjectStore
) -> None:
    project = await sync(store, 1, source_private=True)
    public = ("/api/v1/ada/projects/", "/api/v1/users/ada/", "/api/v1/explore/")
    async with client_of(app, **bearer("bob")) as bob:
        for state, is_private in (("private", True), ("gone", True), ("there", False)):
            synced = source_synced({"private": 2, "gone": 3, "there": 4}[state], state)
            await store.apply_statuses(synced.model_copy(update={"user_id": "user-ada"}))
            assert (await read(ada, project))["is_private"] is is_private
            assert (await bob.get(f"/api/v1/projects/{project}/")).status_code == (404 if is_private else 200)
            for path in public:
                assert len((await bob.get(path)).json()["projects"]) == (not is_private), path


async def test_while_its_source_is_private_only_its_owner_sees_a_project(
    ada: httpx2.AsyncClient, app: FastAPI, store: ProjectStore
) -> None:
    project = await sync(store, 1)
    await change(ada, project, is_private=False)
    listed = "/api/v1/ada/projects/"
    async with client_of(app, **bearer("bob")) as bob:
        for state, status, count in (("gone", 200, 1), ("private", 404, 0), ("there", 200, 1)):
            synced = source_synced({"gone": 2, "private": 3, "there": 4}[state], state)
            await store.apply_statuses(synced.model_copy(update={"user_id": "user-ada"}))
            assert (await bob.get(f"/api/v1/projects/{project}/")).status_code == status
            assert len((await bob.get(listed)).json()["projects"]) == count
            assert (await read(ada, project))["source_state"] == state
        await sync(store, 5, is_private=True, source_private=True)
        assert (await bob.get(f"/api/v1/projects/{project}/")).status_code == 404
    hers = await read(ada, project)
    assert (hers["is_private"], hers["source_state"], hers["upstream_changes"]["is_private"]) == (
        False,
        "private",
        True,
    )
