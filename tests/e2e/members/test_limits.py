"""What an hour allows: how many imports, what counts, and what a member is told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from kit.mongo import Database
from services.gateway.rate_limits.limits import CHANNELS, HOUR, REPOSITORIES, VIDEOS, MemberLimits
from services.gateway.settings import LimitSettings
from services.gateway.web.errors import MemberLimitError
from tests.unit.gateway.support import FakeBroker, bearer, client_of, gateway_app, settings

IMPORT, MANY = "/api/v1/integrations/import/", "/api/v1/github/import/"
REPO, VIDEO = "https://github.com/octocat/hello", "https://youtube.com/watch?v="
LIMITS: dict[str, Any] = {"limit_repositories": 3, "limit_videos": 2, "limit_channels": 1, "limit_others": 1}


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def app(db: Database) -> FastAPI:
    return gateway_app(settings(**LIMITS), db, FakeBroker().publish)


@pytest.fixture
async def ada(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, **bearer("ada")) as client:
        yield client


async def statuses(client: httpx2.AsyncClient, *links: str) -> list[int]:
    return [(await client.post(IMPORT, json={"url": link})).status_code for link in links]


async def spent(limits: MemberLimits, kind: str, user_id: str = "user-ada") -> bool:
    try:
        async with limits.spending(user_id, kind):
            return True
    except MemberLimitError:
        return False


async def test_over_the_limit_a_member_is_told_when_the_next_one_may_start(ada: httpx2.AsyncClient) -> None:
    first = await ada.post(IMPORT, json={"url": f"{REPO}-0"})
    assert first.headers["ratelimit-policy"] == '"repositories";q=3;w=3600'
    assert first.headers["ratelimit"].startswith('"repositories";r=2;t=')
    assert await statuses(ada, f"{REPO}-1", f"{REPO}-2") == [202, 202]
    refused = await ada.post(IMPORT, json={"url": f"{REPO}-3"})
    body = refused.json()
    assert (refused.status_code, body["error_code"], body["success"]) == (429, "RATE_LIMIT", False)
    assert body["suggestion"] and body["action"] and "3 repositories an hour" in body["error"]
    retry_at = datetime.fromisoformat(body["retry_at"])
    assert f"{retry_at:%H:%M:%S}" in body["error"]
    assert 0 < int(refused.headers["retry-after"]) <= HOUR
    assert refused.headers["ratelimit"] == f'"repositories";r=0;t={refused.headers["retry-after"]}'
    assert refused.headers["ratelimit-policy"] == '"repositories";q=3;w=3600'


async def test_kinds_and_members_have_limits_of_their_own(app: FastAPI, ada: httpx2.AsyncClient) -> None:
    assert await statuses(ada, *(f"{REPO}-{n}" for n in range(4))) == [202, 202, 202, 429]
    assert await statuses(ada, *(f"{VIDEO}{n}" for n in range(3))) == [202, 202, 429]
    async with client_of(app, **bearer("bob")) as bob:
        assert await statuses(bob, f"{REPO}-0") == [202]


async def test_what_starts_no_import_costs_nothing(db: Database, ada: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    first = await ada.post(IMPORT, json={"url": REPO}, headers=key)
    for _ in range(5):
        repeated = await ada.post(IMPORT, json={"url": REPO}, headers=key)
        assert repeated.json()["task_id"] == first.json()["task_id"]
    assert await statuses(ada, REPO, REPO, "https://elsewhere.test/") == [202, 202, 400], "under way, and not a link"
    record = await db["imports"].find_one_and_update({}, {"$set": {"active": False, "state": "completed"}})
    assert record
    await db["projects"].insert_one({"_id": record["_id"], "user_id": "user-ada", "url": REPO, "slug": "s"})
    assert await statuses(ada, REPO, REPO) == [409, 409]
    assert await statuses(ada, f"{REPO}-1", f"{REPO}-2", f"{REPO}-3") == [202, 202, 429]


async def test_at_the_limit_what_is_under_way_is_still_found(ada: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    first = await ada.post(IMPORT, json={"url": REPO}, headers=key)
    assert await statuses(ada, f"{REPO}-1", f"{REPO}-2", f"{REPO}-3") == [202, 202, 429]
    for headers in (key, {}):
        again = await ada.post(IMPORT, json={"url": REPO}, headers=headers)
        assert (again.status_code, again.json()["task_id"]) == (202, first.json()["task_id"])


async def test_a_burst_over_several_gateways_gets_no_more_than_the_limit(db: Database) -> None:
    gateways = [gateway_app(settings(**LIMITS), db, FakeBroker().publish) for _ in range(3)]

    async def paste(number: int) -> int:
        async with client_of(gateways[number % 3], **bearer("ada")) as client:
            return (await client.post(IMPORT, json={"url": f"{REPO}-{number}"})).status_code

    answers = await asyncio.gather(*(paste(number) for number in range(30)))
    assert sorted(answers) == [202] * 3 + [429] * 27


async def test_nobody_is_refused_only_because_gateways_count_their_first_imports_at_once(db: Database) -> None:
    gateways = [MemberLimits(db, LimitSettings(**LIMITS)) for _ in range(3)]
    members = [f"user-{number}" for number in range(40)]
    hits = await asyncio.gather(*(spent(one, REPOSITORIES, member) for member in members for one in gateways))
    assert all(hits)
    assert not any([await spent(gateways[0], REPOSITORIES, member) for member in members])


async def test_clocks_that_differ_keep_the_limit(db: Database) -> None:
    ahead, behind = Clock(), Clock()
    behind.now -= 5
    first, second = (MemberLimits(db, LimitSettings(**LIMITS), clock=clock) for clock in (ahead, behind))
    assert [await spent(first, VIDEOS), await spent(second, VIDEOS), await spent(second, VIDEOS)] == [True, True, False]
    ahead.now += HOUR - 2
    assert [await spent(first, VIDEOS), await spent(first, VIDEOS)] == [True, False], "the older one has left"


async def test_of_several_links_each_costs_one(ada: httpx2.AsyncClient) -> None:
    answer = await ada.post(MANY, json={"urls": [f"{REPO}-{n}" for n in range(5)]})
    body = answer.json()
    assert answer.status_code == 202
    assert len(body["children"]) == 3
    assert [one["error_code"] for one in body["refused"]] == ["RATE_LIMIT"] * 2
    assert all(one["retry_at"] for one in body["refused"])
    assert answer.headers["ratelimit"].startswith('"repositories";r=0;')


async def test_several_links_of_which_none_is_allowed_are_refused_like_one(
    db: Database, ada: httpx2.AsyncClient
) -> None:
    assert await statuses(ada, *(f"{REPO}-{n}" for n in range(3))) == [202] * 3
    refused = await ada.post(MANY, json={"urls": [f"{REPO}-3", f"{REPO}-4"]}, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["error_code"]) == (429, "RATE_LIMIT")
    assert refused.json()["retry_at"]
    assert 0 < int(refused.headers["retry-after"]) <= HOUR
    assert refused.headers["ratelimit"].startswith('"repositories";r=0;')
    assert await db["batches"].count_documents({}) == 0
    mixed = await ada.post(MANY, json={"urls": [f"{REPO}-3", f"{REPO}-0"]}, headers={"Idempotency-Key": "k"})
    assert (mixed.status_code, len(mixed.json()["children"])) == (202, 1), "what is under way is nobody's to refuse"


async def test_the_window_moves(db: Database) -> None:
    clock = Clock()
    limits = MemberLimits(db, LimitSettings(**LIMITS), clock=clock)
    assert [await spent(limits, VIDEOS), await spent(limits, CHANNELS)] == [True, True]
    clock.now += HOUR / 2
    assert [await spent(limits, VIDEOS), await spent(limits, VIDEOS), await spent(limits, CHANNELS)] == [
        True,
        False,
        False,
    ]
    with pytest.raises(MemberLimitError) as refusal:
        async with limits.spending("user-ada", VIDEOS):
            pass
    assert refusal.value.retry_at
    assert refusal.value.retry_at.timestamp() == clock.now + HOUR / 2, "when the oldest is an hour old"
    clock.now += HOUR / 2
    assert [await spent(limits, VIDEOS), await spent(limits, VIDEOS)] == [True, False], "one left the window, not both"


async def test_what_failed_is_given_back(db: Database) -> None:
    limits = MemberLimits(db, LimitSettings(**LIMITS))
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            async with limits.spending("user-ada", CHANNELS):
                raise ZeroDivisionError
    assert [await spent(limits, CHANNELS), await spent(limits, CHANNELS)] == [True, False]


async def test_every_other_integration_has_the_common_limit_by_itself(db: Database) -> None:
    limits = MemberLimits(db, LimitSettings(**LIMITS))
    kinds = ("gitlab", "gitlab", "figma", "figma")
    assert [await spent(limits, kind) for kind in kinds] == [True, False, True, False]


async def test_nobody_is_charged_by_a_name_that_looks_like_anothers(db: Database) -> None:
    limits = MemberLimits(db, LimitSettings(**LIMITS))
    assert await spent(limits, CHANNELS, "a")
    assert await spent(limits, CHANNELS, "a/channels")
    assert await spent(limits, "channels/1/1/hour", "a")
