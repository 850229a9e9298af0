"""What everybody sees: the newest of all projects, and the pages of members and agents."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from kit.mongo import Database
from records.projects import narrowed
from schemas.content import ProjectType
from services.gateway.members.service import Users
from services.writer.store import ProjectStore
from tests.e2e.projects.drafts import draft
from tests.unit.gateway.support import bearer, client_of

EXPLORE = "/api/v1/explore/"
VIDEO = {"type": "video", "project_type": ProjectType.VIDEO, "platform": "youtube", "technologies": ["Rust", "C++"]}


@pytest.fixture
def store(db: Database) -> ProjectStore:
    return ProjectStore(db)


async def put(store: ProjectStore, owner: str, name: str, **changes: Any) -> UUID:
    url = f"https://github.com/{owner}/{name}"
    event = draft(1, url, title=name, **changes).model_copy(update={"user_id": owner})
    return (await store.save(event)).id


async def agent(db: Database) -> str:
    made, new = await Users(db).create_agent("https://youtube.com/channel/UC1", "Tide Tables", task_id=uuid4())
    assert new
    return str(made["_id"])


async def titles(app: FastAPI, path: str, name: str = "bob") -> list[str]:
    async with client_of(app, **bearer(name)) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [project["title"] for project in answer.json()["projects"]]


async def test_it_shows_the_newest_showcase_of_people_and_agents(
    app: FastAPI, db: Database, store: ProjectStore
) -> None:
    await Users(db).name("user-ada", "ada")
    await put(store, "user-ada", "first")
    await put(store, await agent(db), "second", **VIDEO)
    await put(store, "user-ada", "not-shown", is_showcase=False)
    await put(store, "user-ada", "hers", is_private=True)
    await put(store, "user-ada", "hidden", source_private=True)
    await put(store, "nobody", "orphan")
    assert await titles(app, EXPLORE) == ["second", "first"]
    assert await titles(app, EXPLORE, "ada") == ["second", "first"], "also for its owner: it is everybody's list"
    async with client_of(app, **bearer("bob")) as bob:
        first = (await bob.get(EXPLORE)).json()["projects"][0]
    assert first["owner"] == {
        "username": "tide-tables", "display_name": "Tide Tables", "kind": "agent", "avatar_url": None,
    }  # fmt: skip
    assert first["url"] == "/tide-tables/second"


async def test_pages_follow_one_another_with_their_filters(app: FastAPI, db: Database, store: ProjectStore) -> None:
    await Users(db).name("user-ada", "ada")
    for number in range(5):
        await put(store, "user-ada", f"p{number}", technologies=["C++"])
    path, seen = f"{EXPLORE}?limit=2&technology=C%2B%2B", []
    async with client_of(app, **bearer("bob")) as bob:
        while path:
            answer = await bob.get(path)
            seen += [project["title"] for project in answer.json()["projects"]]
            path = answer.links["next"]["url"] if "next" in answer.links else ""
        assert (await bob.get(f"{EXPLORE}?cursor=forged")).status_code == 422
    assert seen == ["p4", "p3", "p2", "p1", "p0"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("type=video", ["video"]),
        ("type=github_repo", ["repository"]),
        ("type=library", ["repository"]),
        ("platform=youtube", ["video"]),
        ("technology=rust", ["video"]),
        ("technology=PYTHON", ["repository"]),
        ("technology=rust&platform=github", []),
        ("technology=C%2B%2B&platform=youtube&type=video", ["video"]),
        ("platform=$where", []),
    ],
)
async def test_it_is_narrowed_down(
    app: FastAPI, db: Database, store: ProjectStore, filters: str, expected: list[str]
) -> None:
    await Users(db).name("user-ada", "ada")
    await put(store, "user-ada", "repository")
    await put(store, "user-ada", "video", **VIDEO)
    assert await titles(app, f"{EXPLORE}?{filters}") == expected


@pytest.mark.parametrize("filters", [{}, narrowed(technology="Python", platform="github")])
async def test_no_list_is_sorted_or_scanned_as_a_whole(
    db: Database, store: ProjectStore, filters: dict[str, Any]
) -> None:
    await put(store, "user-ada", "one")
    query = {"shown": True, **filters}
    plan = await db["projects"].find(query).sort([("created_at", -1), ("_id", -1)]).limit(21).explain()
    stages, stage = [], plan["queryPlanner"]["winningPlan"]
    while stage:
        stages.append(stage["stage"])
        stage = stage.get("inputStage")
    assert "IXSCAN" in stages
    assert "SORT" not in stages


async def test_a_members_page_shows_who_they_are_and_what_they_show(
    app: FastAPI, db: Database, store: ProjectStore
) -> None:
    links = [{"title": "Site", "url": "https://example.org/"}]
    async with client_of(app, **bearer("ada")) as ada:
        await ada.patch("/api/v1/me/", json={"display_name": "Ada Lovelace", "links": links})
        await put(store, "user-ada", "shown")
        await put(store, "user-ada", "not-shown", is_showcase=False)
        await put(store, "user-ada", "hers", is_private=True)
        await db["points"].insert_one({"_id": uuid4(), "user_id": "user-ada", "points": 50, "reason": "r",
                                       "project_id": uuid4()})  # fmt: skip
        own = (await ada.get("/api/v1/users/ada/")).json()
    async with client_of(app, **bearer("bob")) as bob:
        page = (await bob.get("/api/v1/users/Ada/")).json()
        assert (await bob.get("/api/v1/users/nobody/")).status_code == 404
    assert (page["username"], page["display_name"], page["links"], page["points"]) == ("ada", "Ada Lovelace", links, 50)
    assert [project["title"] for project in page["projects"]] == ["shown"]
    assert [project["title"] for project in own["projects"]] == ["hers", "shown"]
    assert not {"id", "identities", "roles"} & page.keys()


async def test_an_agents_page_has_no_points(app: FastAPI, db: Database, store: ProjectStore) -> None:
    await put(store, await agent(db), "video", **VIDEO)
    async with client_of(app, **bearer("bob")) as bob:
        page = (await bob.get("/api/v1/users/tide-tables/")).json()
    assert (page["kind"], page["points"], len(page["projects"])) == ("agent", None, 1)
