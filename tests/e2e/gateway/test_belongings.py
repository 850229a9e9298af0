"""Who sees which projects, points and tasks, and how they are listed."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.gateway.members.service import Users
from services.gateway.web.provided import find
from tests.e2e.gateway.conftest import IMPORT, REPO, World


async def test_nobody_sees_anothers_tasks_private_projects_or_points(world: World) -> None:
    ada, bob = await world.client(), await world.client("bob")
    task_id = await world.accept(ada)
    public = await world.complete(task_id)
    private = await world.save_project("user-ada", REPO + "-p", slug="secret", is_private=True, is_showcase=False)
    award = {"user_id": "user-ada", "project_id": public, "points": 50, "reason": "project_create"}
    await world.db["points"].insert_one({**award, "_id": uuid4(), "awarded_at": datetime.now(UTC)})
    await bob.get("/api/v1/points/")

    seen = {}
    for name, client in (("ada", ada), ("bob", bob)):
        projects = (await client.get("/api/v1/ada/projects/")).json()["projects"]
        seen[name] = {
            "task": (await client.get(f"/api/v1/integrations/tasks/{task_id}/")).status_code,
            "events": (await client.get(f"/api/v1/integrations/tasks/{task_id}/events/")).status_code,
            "public": (await client.get(f"/api/v1/projects/{public}/")).status_code,
            "private": (await client.get(f"/api/v1/projects/{private}/")).status_code,
            "list": sorted(project["slug"] for project in projects),
            "points": (await client.get("/api/v1/points/")).json()["total"],
        }
    assert seen == {
        "ada": {"task": 200, "events": 200, "public": 200, "private": 200,
                "list": ["hello-world", "secret"], "points": 50},
        "bob": {"task": 404, "events": 404, "public": 200, "private": 404, "list": ["hello-world"], "points": 0},
    }  # fmt: skip
    assert (await bob.get("/api/v1/projects/not-an-id/")).status_code == 404
    assert (await bob.get("/api/v1/nobody/projects/")).status_code == 404


async def test_what_an_event_says_of_an_import_shows_nobody_anothers_project(world: World) -> None:
    ada, bob = await world.client(), await world.client("bob")
    private = await world.save_project("user-ada", REPO, is_private=True)
    key = {"Idempotency-Key": "k"}
    task_id = await world.accept(bob, REPO + "-2", **key)
    await world.move(task_id, state="completed", progress=6, active=False, points=50,
                     result={"project_id": private, "slug": "hello-world", "created": False})  # fmt: skip
    answer = await bob.post(IMPORT, json={"url": REPO + "-2"}, headers={**key, "Prefer": "wait=30"})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")
    assert (await ada.get(f"/api/v1/projects/{private}/")).status_code == 200


async def test_a_parent_shows_nobody_anothers_imports(world: World) -> None:
    ada, bob = await world.client(), await world.client("bob")
    hers, his = UUID(await world.accept(ada)), UUID(await world.accept(bob, REPO + "-2"))
    children = [{"url": REPO, "task_id": hers}, {"url": REPO + "-2", "task_id": his}]
    parent = {"_id": uuid4(), "user_id": "user-bob", "integration": "github", "children": children, "refused": []}
    await world.db["batches"].insert_one({**parent, "created_at": datetime.now(UTC)})
    address = f"/api/v1/integrations/tasks/{parent['_id']}/"
    assert [child["task_id"] for child in (await bob.get(address)).json()["children"]] == [str(his)]
    await world.fail(str(his))
    streamed = (await bob.get(f"{address}events/")).text
    assert str(his) in streamed
    assert str(hers) not in streamed


async def test_project_lists_are_paged_and_filtered(world: World) -> None:
    ada = await world.client()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(5):
        at = start + timedelta(days=number // 2)  # pairs of one moment: the id decides
        await world.save_project(
            "user-ada", f"{REPO}-{number}", slug=f"p{number}", created_at=at, is_showcase=number != 4
        )
    slugs, address = [], "/api/v1/ada/projects/?limit=2"
    while address:
        answer = await ada.get(address)
        slugs += [project["slug"] for project in answer.json()["projects"]]
        address = answer.links["next"]["url"] if "next" in answer.links else ""
    assert len(slugs) == 5
    assert [set(slugs[:1]), set(slugs[1:3]), set(slugs[3:])] == [{"p4"}, {"p2", "p3"}, {"p0", "p1"}]
    assert "content" not in answer.json()["projects"][0]
    shown = (await ada.get("/api/v1/ada/projects/?showcase=false")).json()["projects"]
    assert [project["slug"] for project in shown] == ["p4"]
    assert (await ada.get("/api/v1/ada/projects/?cursor=forged")).status_code == 422


async def test_points_are_the_sum_of_the_ledger_whatever_the_page(world: World) -> None:
    ada = await world.client()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    await world.db["points"].insert_many(
        [
            {"_id": uuid4(), "user_id": "user-ada", "project_id": uuid4(), "points": 50, "reason": "r",
             "awarded_at": at + timedelta(hours=number)}
            for number in range(3)
        ]
    )  # fmt: skip
    first = (await ada.get("/api/v1/points/?limit=2")).json()
    second = (await ada.get(f"/api/v1/points/?limit=2&cursor={first['next_cursor']}")).json()
    assert (first["total"], len(first["entries"]), second["total"], len(second["entries"])) == (150, 2, 150, 1)
    assert second["next_cursor"] is None
    assert (await ada.get("/api/v1/points/?cursor=%00")).status_code == 422


async def test_members_of_one_name_are_told_apart(world: World) -> None:
    async def username(subject: str, wanted: str) -> str:
        return str(await find(world.app, Users).name(subject, wanted))

    names = [await username(f"u{number}", "Ada") for number in range(3)]
    assert names == ["ada", "ada-2", "ada-3"]
    assert await username("u0", "Countess") == "ada", "a name once given stays"
    assert set(await asyncio.gather(*(username("u9", "eve") for _ in range(5)))) == {"eve"}
    assert await username("u10", "integrations") == "integrations-2", "our own addresses are nobody's name"
