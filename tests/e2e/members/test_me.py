"""What members read and change about themselves, and who they become on their first day."""

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from kit.mongo import Database
from services.gateway.members.service import MAX_IDENTITIES, Identity, Users
from services.gateway.web.errors import ConflictError
from tests.unit.gateway.support import bearer, client_of

ME = "/api/v1/me/"


async def me(app: FastAPI, **changes: Any) -> httpx2.Response:
    async with client_of(app, **bearer("ada")) as client:
        return await (client.patch(ME, json=changes) if changes else client.get(ME))


async def test_a_first_request_makes_a_member(app: FastAPI) -> None:
    answer = (await me(app)).json()
    del answer["created_at"]
    assert answer == {
        "id": "user-ada", "username": "ada", "display_name": "ada", "kind": "person", "avatar_url": None,
        "links": [], "roles": [], "identities": [],
    }  # fmt: skip


async def test_a_member_changes_what_is_theirs_and_the_rest_stays(app: FastAPI) -> None:
    links = [{"title": "Site", "url": "https://example.org/ada"}]
    changed = (await me(app, display_name=" Ada Lovelace ", links=links)).json()
    assert (changed["display_name"], changed["links"]) == ("Ada Lovelace", links)
    again = (await me(app, avatar_url="https://example.org/a.png")).json()
    assert (again["display_name"], again["avatar_url"]) == ("Ada Lovelace", "https://example.org/a.png")
    assert (await me(app, avatar_url=None)).json()["avatar_url"] is None
    assert (await me(app)).json()["username"] == "ada"


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": ["admin"]},
        {"kind": "agent"},
        {"username": "root"},
        {"id": "user-bob"},
        {"identities": []},
        {"display_name": None},
        {"display_name": ""},
        {"display_name": "x" * 81},
        {"display_name": "a\u202eb"},
        {"display_name": {"$set": 1}},
        {"avatar_url": "javascript:alert(1)"},
        {"avatar_url": "http://example.org/a.png"},
        {"avatar_url": "https://user:secret@example.org/a.png"},
        {"avatar_url": "https://example.org/" + "a" * 2_100},
        {"links": None},
        {"links": [{"title": "x", "url": "data:text/html,x"}]},
        {"links": [{"title": "x", "url": "https://example.org/"}] * 11},
    ],
)
async def test_what_is_not_theirs_or_not_fit_is_refused(app: FastAPI, changes: dict[str, Any]) -> None:
    answer = await me(app, **changes)
    assert (answer.status_code, answer.json()["error_code"]) == (422, "INVALID_REQUEST")


async def test_a_record_of_the_first_days_is_read_too(app: FastAPI, db: Database) -> None:
    answer = (await me(app)).json()
    await db["users"].update_one({}, {"$unset": dict.fromkeys(("display_name", "kind", "links", "roles"), "")})
    assert (await me(app)).json() == answer


def github(account_id: str = "1", username: str = "ada") -> Identity:
    return Identity("github", account_id, username, "Ada Lovelace", "https://example.org/ada.png")


async def test_an_identity_makes_a_member_once_and_then_finds_them(db: Database) -> None:
    first = await asyncio.gather(*(Users(db).sign_in(github()) for _ in range(8)))
    assert len(set(first)) == 1
    assert await Users(db).sign_in(github(username="renamed-there")) == first[0], "a name may change, an id does not"
    user = await Users(db).read(first[0])
    assert (user["username"], user["display_name"]) == ("ada", "Ada Lovelace")
    assert await db["users"].count_documents({}) == 1


async def test_accounts_of_one_name_or_one_number_are_different_people(db: Database) -> None:
    users = Users(db)
    people = [
        await users.sign_in(github("1")),
        await users.sign_in(github("2")),
        await users.sign_in(Identity("google", "1", "Ada")),
        await users.sign_in(Identity("google", "2", "")),
    ]
    names = [await users.find_name(one) for one in people]
    assert len(set(people)) == 4
    assert names[:3] == ["ada", "ada-2", "ada-3"]
    assert (names[3] or "").startswith("member-")


async def test_a_person_signs_in_with_every_identity_they_linked(db: Database) -> None:
    users = Users(db)
    ada = await users.sign_in(github())
    await users.link(ada, Identity("google", "g1", "Ada"))
    await users.link(ada, Identity("google", "g1", "Ada"))
    assert await users.sign_in(Identity("google", "g1")) == ada
    assert len((await users.read(ada))["identities"]) == 2


async def test_an_identity_belongs_to_one_member_also_in_a_race(db: Database) -> None:
    users = Users(db)
    ada, bob = await users.sign_in(github("1")), await users.sign_in(github("2", "bob"))
    with pytest.raises(ConflictError):
        await users.link(ada, github("2", "bob"))
    shared = Identity("google", "g1", "Shared")
    outcomes = await asyncio.gather(*(Users(db).link(one, shared) for one in (ada, bob)), return_exceptions=True)
    assert [type(one) for one in outcomes if one] == [ConflictError]
    assert await db["users"].count_documents({"identities.account_id": "g1"}) == 1


async def test_a_member_links_only_so_many_identities(db: Database) -> None:
    users = Users(db)
    ada = await users.sign_in(github())
    for number in range(MAX_IDENTITIES - 1):
        await users.link(ada, Identity("google", f"g{number}"))
    with pytest.raises(ConflictError):
        await users.link(ada, Identity("google", "one-more"))
