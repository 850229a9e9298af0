"""Browsing the repositories of the connected account."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2

from tests.e2e.walk.conftest import CONNECTIONS, World

REPOS = "/api/v1/github/repos/"


def repository(name: str, **changes: Any) -> dict[str, Any]:
    return {"id": 1, "full_name": f"Octocat/{name}", "private": False, "description": None, **changes}


async def names(client: httpx2.AsyncClient, address: str = REPOS) -> list[str]:
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    return [one["full_name"].partition("/")[2] for one in answer.json()["repositories"]]


async def test_without_a_connection_the_answer_says_what_to_connect(world: World) -> None:
    ada = await world.browser()
    answer = await ada.get(REPOS)
    assert answer.status_code == 424
    assert answer.json() == {
        "success": False, "error": "GitHub is not connected.", "error_code": "AUTH_ERROR",
        "action": "connect_github", "suggestion": "Connect GitHub to see your repositories.",
    }  # fmt: skip
    await world.connect(ada)
    world.providers.pages = [[repository("one")]]
    assert await names(ada) == ["one"]
    assert (await (await world.browser("bob")).get(REPOS)).status_code == 424, "another member's connection is theirs"
    await ada.delete(f"{CONNECTIONS}/github/")
    assert (await ada.get(REPOS)).status_code == 424


async def test_each_repository_says_what_it_is_and_whether_it_is_imported(world: World) -> None:
    ada = await world.browser()
    await world.connect(ada)
    now = datetime.now(UTC)
    for user, name in (("user-ada", "done"), ("user-bob", "other")):
        await world.db.projects.insert_one(
            {"_id": uuid4(), "user_id": user, "url": f"https://github.com/octocat/{name}", "slug": name,
             "created_at": now}
        )  # fmt: skip
    for number, link in ((7001, "before"), (7002, "taken")):
        await world.db.projects.insert_one(
            {"_id": uuid4(), "user_id": "user-ada", "platform": "github", "external_id": str(number),
             "url": f"https://github.com/octocat/{link}", "slug": link, "created_at": now}
        )  # fmt: skip
    world.providers.pages = [
        [
            repository("Done", archived=True, language="Python", stargazers_count=7, pushed_at="2026-01-02T03:04:05Z"),
            repository("other", fork=True),
            repository("after", id=7001),
            repository("taken", id=7003),
        ]
    ]
    done, other, renamed, taken = (await ada.get(REPOS)).json()["repositories"]
    assert done["url"] == "https://github.com/octocat/done", "as an import of it would have it"
    assert (done["full_name"], done["stars"], done["language"]) == ("Octocat/Done", 7, "Python")
    assert [(one["is_archived"], one["is_fork"]) for one in (done, other)] == [(True, False), (False, True)]
    assert done["imported"]["url"] == "/ada/done"
    assert other["imported"] is None, "what others imported is new to this member"
    assert renamed["imported"]["url"] == "/ada/before", "by its new name"
    assert taken["imported"] is None, "another repository had this name when it was imported"


async def test_pages_follow_the_upstreams_own_links(world: World) -> None:
    ada = await world.browser()
    await world.connect(ada)
    world.providers.pages = [[repository("a")], [repository("b")], [repository("c")]]
    seen, address = [], REPOS
    while address:
        answer = await ada.get(address)
        seen += [one["full_name"] for one in answer.json()["repositories"]]
        address = answer.links["next"]["url"] if "next" in answer.links else ""
    assert seen == ["Octocat/a", "Octocat/b", "Octocat/c"]
    assert [request.url.path for request in world.providers.listed] == ["/user/repos", *["/user/583231/repos"] * 2]
    assert await names(ada, f"{REPOS}?page=2") == ["b"]


async def test_a_page_is_none_of_the_upstreams_other_addresses(world: World) -> None:
    ada = await world.browser()
    await world.connect(ada)
    for page in ("x", "-1", "L3VzZXIvZW1haWxz", "Ly9ldmlsLnRlc3QvdXNlci9yZXBvcz9h", "²", "ü"):  # /user/emails …
        answer = await ada.get(REPOS, params={"page": page})
        assert (answer.status_code, answer.json()["error_code"]) == (422, "INVALID_REQUEST"), page
    assert not world.providers.listed


async def test_words_are_found_on_later_pages_too(world: World) -> None:
    ada = await world.browser()
    await world.connect(ada)
    world.providers.pages = [
        [repository("tide-tables")],
        [repository("kiln", description="Fires pots, and tells the TIDE")],
        *[[repository(f"other-{number}")] for number in range(5)],
    ]
    answer = await ada.get(REPOS, params={"q": "Tide t"})
    assert [one["full_name"] for one in answer.json()["repositories"]] == ["Octocat/tide-tables", "Octocat/kiln"]
    assert len(world.providers.listed) == 5, "so many pages are read for one answer"
    assert answer.json()["next_page"], "and then it goes on from there"
    assert "q=Tide+t" in answer.headers["link"]


async def test_private_repositories_are_shown_only_with_their_scope(world: World) -> None:
    ada = await world.browser()
    world.providers.pages = [[repository("open"), repository("closed", private=True)]]
    await world.connect(ada)
    answer = (await ada.get(REPOS)).json()
    assert ([one["full_name"] for one in answer["repositories"]], answer["private"]) == (["Octocat/open"], False)
    assert world.providers.listed[-1].url.params["visibility"] == "public"
    await world.connect(ada, private=True)
    answer = (await ada.get(REPOS)).json()
    assert [one["is_private"] for one in answer["repositories"]] == [False, True]
    assert answer["private"] is True


async def test_a_token_that_github_refuses_again_and_again_ends_the_connection(world: World) -> None:
    ada = await world.browser()
    await world.connect(ada)
    world.providers.tokens.clear()
    for _ in range(2):
        answer = await ada.get(REPOS)
        assert (answer.status_code, answer.json()["action"]) == (503, "wait")
        assert answer.json()["retry_at"]
    assert (await ada.get("/api/v1/notices/")).json()["notices"] == []
    for _ in range(2):
        answer = await ada.get(REPOS)
        assert (answer.status_code, answer.json()["error_code"]) == (424, "AUTH_ERROR")
        assert answer.json()["action"] == "connect_github"
    listed = (await ada.get(f"{CONNECTIONS}/")).json()["connections"]
    assert {one["provider"]: one["state"] for one in listed}["github"] == "needs_reauth"
    (notice,) = (await ada.get("/api/v1/notices/")).json()["notices"]
    assert (notice["provider"], notice["action"]) == ("github", "connect_github"), "told once"
    await world.connect(ada)
    world.providers.pages = [[repository("back")]]
    assert await names(ada) == ["back"]
    assert (await ada.get("/api/v1/notices/")).json()["notices"] == []
