"""Several repositories in one request: a parent task, and an import for each; and how projects are deleted."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from records.imports import BULK
from tests.e2e.gateway.conftest import World
from tests.unit.gateway.support import bearer

IMPORT = "/api/v1/github/import/"
REPO = "https://github.com/octocat/repo"
SETTINGS = {"limit_repositories": 8}


async def send(client: httpx2.AsyncClient, *urls: str, **headers: str) -> dict[str, Any]:
    answer = await client.post(IMPORT, json={"urls": urls}, headers=headers)
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["location"] == body["status_url"]
    return body


async def status(client: httpx2.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(body["status_url"])
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


async def test_each_link_becomes_an_import_of_its_own_under_one_parent(world: World) -> None:
    ada = await world.client()
    parent = await send(ada, f"{REPO}-1", f"{REPO}-2/", f"{REPO}-3")
    assert parent["kind"] == "batch"
    assert [child["url"] for child in parent["children"]] == [f"{REPO}-1", f"{REPO}-2", f"{REPO}-3"]
    assert not parent["refused"]
    assert len(world.broker.events) == 3
    assert await world.db["imports"].distinct("priority") == [BULK], "a single import goes before them"

    read = await status(ada, parent)
    assert (read["kind"], read["status"], read["progress"], read["total"]) == ("batch", "pending", 0, 3)
    single = await status(ada, parent["children"][0])
    assert (single["kind"], single["url"]) == ("import", f"{REPO}-1")
    assert read["children"][0] == single


async def test_the_parent_sums_its_children(world: World) -> None:
    ada = await world.client()
    parent = await send(ada, *(f"{REPO}-{number}" for number in range(4)))
    first, second, third, _ = [child["task_id"] for child in parent["children"]]
    before = await status(ada, parent)
    await world.complete(first)
    await world.fail(second)
    await world.move(third, state="processing", stage="analyzer", progress=3)
    read = await status(ada, parent)
    assert (read["status"], read["completed"], read["failed"], read["points"]) == ("processing", 1, 1, 50)
    assert read["progress"] == (100 + 100 + 70 + 0) // 4
    assert read["message"] == "1 of 4 imported, 1 failed"
    assert read["version"] == before["version"] + 3
    assert [child["status"] for child in read["children"]] == ["completed", "failed", "processing", "pending"]
    for child in parent["children"][2:]:
        await world.fail(child["task_id"])
    read = await status(ada, parent)
    assert (read["status"], read["progress"]) == ("completed", 100), "one that is imported makes it a success"


async def test_bad_and_known_links_are_named_and_spoil_no_other(world: World) -> None:
    ada = await world.client()
    known = await world.save_project("user-ada", f"{REPO}-known")
    urls = ("https://evil.test/a/b", f"{REPO}-known", f"{REPO}-new", f"{REPO}-new/", "https://youtube.com/watch?v=1")
    parent = await send(ada, *urls)
    assert [child["url"] for child in parent["children"]] == [f"{REPO}-new"]
    refused = {one["url"]: one for one in parent["refused"]}
    assert {url: one["error_code"] for url, one in refused.items()} == {
        "https://evil.test/a/b": "INVALID_URL",
        f"{REPO}-known": "DUPLICATE_IMPORT",
        f"{REPO}-new/": "DUPLICATE_IMPORT",
        "https://youtube.com/watch?v=1": "INVALID_URL",
    }
    assert refused[f"{REPO}-known"]["project_id"] == str(known)
    assert all({"success", "error", "action", "suggestion"} <= one.keys() for one in parent["refused"])
    read = await status(ada, parent)
    assert (read["total"], read["refused"]) == (5, parent["refused"])


@pytest.mark.parametrize("bad", ["", "  ", "https://github.com/octocat/" + "x" * 2_048])
async def test_a_link_that_is_none_spoils_no_other(world: World, bad: str) -> None:
    ada = await world.client()
    parent = await send(ada, bad, f" {REPO} ")
    assert [child["url"] for child in parent["children"]] == [REPO]
    assert [(one["url"], one["error_code"]) for one in parent["refused"]] == [(bad, "INVALID_URL")]


async def test_a_key_of_several_links_is_not_one_links_too(world: World) -> None:
    ada = await world.client()
    await send(ada, f"{REPO}-1", **{"Idempotency-Key": "many"})
    one = await ada.post(IMPORT, json={"url": f"{REPO}-1"}, headers={"Idempotency-Key": "many"})
    assert (one.status_code, one.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await ada.post(IMPORT, json={"url": f"{REPO}-2"}, headers={"Idempotency-Key": "one"})).status_code == 202
    many = await ada.post(IMPORT, json={"urls": [f"{REPO}-2"]}, headers={"Idempotency-Key": "one"})
    assert (many.status_code, many.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_parent_without_children_has_failed(world: World) -> None:
    ada = await world.client()
    parent = await send(ada, "https://evil.test/a/b")
    read = await status(ada, parent)
    assert (read["status"], read["message"]) == ("failed", "0 of 0 imported, 1 refused")


async def test_a_link_under_way_is_a_child_too(world: World) -> None:
    ada = await world.client()
    running = (await ada.post(IMPORT, json={"url": REPO})).json()["task_id"]
    parent = await send(ada, REPO, f"{REPO}-2")
    assert parent["children"][0]["task_id"] == running
    assert await world.db["imports"].count_documents({}) == 2


async def test_each_link_costs_one_of_the_members_limit(world: World) -> None:
    ada = await world.client()
    parent = await send(ada, *(f"{REPO}-{number}" for number in range(10)))
    assert len(parent["children"]) == 8
    assert [one["error_code"] for one in parent["refused"]] == ["RATE_LIMIT"] * 2
    assert all(one["retry_at"] for one in parent["refused"])


async def test_a_repeated_key_answers_with_the_same_parent(world: World) -> None:
    ada, bob = await world.client(), await world.client("bob")
    key = {"Idempotency-Key": "k"}
    parents = await asyncio.gather(*(send(ada, f"{REPO}-1", f"{REPO}-2", **key) for _ in range(5)))
    assert len({parent["task_id"] for parent in parents}) == 1
    await world.complete(parents[0]["children"][0]["task_id"])
    assert await send(ada, f"{REPO}-1", f"{REPO}-2", **key) == parents[0], "also after a child is done"
    assert await world.db["imports"].count_documents({}) == 2
    answer = await ada.post(IMPORT, json={"urls": [REPO]}, headers=key)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await send(bob, f"{REPO}-1", **key))["task_id"] != parents[0]["task_id"]


@pytest.mark.parametrize(
    "body", [{}, {"url": REPO, "urls": [REPO]}, {"urls": []}, {"urls": [REPO] * 51}, {"urls": REPO}, {"urls": [7]}]
)
async def test_a_request_has_one_link_or_up_to_fifty(world: World, body: dict[str, Any]) -> None:
    ada = await world.client()
    answer = await ada.post(IMPORT, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "INVALID_REQUEST")


async def test_a_parent_is_its_members_alone(world: World) -> None:
    ada, bob = await world.client(), await world.client("bob")
    parent = await send(ada, REPO)
    assert (await bob.get(parent["status_url"])).status_code == 404
    assert (await bob.get(parent["events_url"])).status_code == 404


async def test_a_parents_stream_tells_every_childs_change_and_ends_with_the_last(world: World, served: str) -> None:
    ada = await world.client()
    parent = await send(ada, f"{REPO}-1", f"{REPO}-2", "nonsense")
    first, second = [child["task_id"] for child in parent["children"]]
    steps: list[Callable[[], Awaitable[object]]] = [lambda: world.complete(first), lambda: world.fail(second)]
    told: list[dict[str, Any]] = []
    async with httpx2.AsyncClient(base_url=served, headers=bearer(), timeout=30) as client:
        async with client.stream("GET", parent["events_url"]) as response:
            async for line in response.aiter_lines():
                if line.startswith("data:"):
                    told.append(json.loads(line.removeprefix("data:")))
                    if steps:
                        await steps.pop(0)()
        assert [one["progress"] for one in told] == [0, 50, 100]
        assert [one["status"] for one in told] == ["pending", "processing", "completed"]
        assert told[-1] == await status(ada, parent)
        seen = await client.get(parent["events_url"], headers={"Last-Event-ID": str(told[-1]["version"])})
        assert seen.status_code == 204

        empty = await send(ada, "nonsense")
        assert (await client.get(empty["events_url"])).text.count("event: status") == 1, "and ends at once"


async def test_an_owner_deletes_a_project_and_may_import_it_again(world: World) -> None:
    ada, bob = await world.client(), await world.client("bob")
    project = await world.save_project("user-ada", REPO)
    address = f"/api/v1/projects/{project}/"
    assert (await ada.post(IMPORT, json={"url": REPO})).status_code == 409
    assert (await bob.delete(address)).status_code == 404
    assert await world.db["projects"].count_documents({}) == 1
    assert (await ada.delete(address)).status_code == 204
    assert (await ada.delete(address)).status_code == 404
    assert (await ada.post(IMPORT, json={"url": REPO})).status_code == 202


async def test_a_key_that_is_sent_at_once_with_different_requests_names_one_of_them(world: World) -> None:
    """Whether they are of one kind or not; sent again, each is answered as it was."""
    links = [[f"{REPO}-a", f"{REPO}-b"], [f"{REPO}-a"], [f"{REPO}-c"], [f"{REPO}-d", f"{REPO}-e"]]
    bodies: list[dict[str, Any]] = [{"urls": it} if len(it) > 1 else {"url": it[0]} for it in links]
    for number in range(10):
        member = await world.client(f"ada-{number}")
        key = {"Idempotency-Key": "at-once"}
        first, again = [
            [
                (answer.status_code, answer.json().get("task_id"))
                for answer in await asyncio.gather(*(member.post(IMPORT, json=body, headers=key) for body in bodies))
            ]
            for _ in range(2)
        ]
        assert sorted(status for status, _ in first) == [202, 422, 422, 422]
        assert first == again
        (won,) = (these for these, (status, _) in zip(links, first, strict=True) if status == 202)
        assert await world.db["imports"].distinct("url", {"user_id": f"user-ada-{number}"}) == won
