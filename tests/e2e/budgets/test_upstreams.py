"""What integrations spend when they fetch, out of the budgets of GitHub and YouTube."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from integrations.credentials import Credentials
from integrations.registry import IntegrationSettings, build_registry
from kit.budgets import Budgets
from kit.errors import BudgetSpentError, RateLimitError
from kit.mongo import Database
from kit.upstream import Upstream
from tests.e2e.budgets.conftest import Clock
from tests.unit.integrations.answers import repository, video

New = Callable[[], Budgets]
REPOSITORY, VIDEO = "https://github.com/octocat/hello-world", "https://youtube.com/watch?v=dQw4w9WgXcQ"
SETTINGS = IntegrationSettings.model_validate({"github_token": "app", "youtube_api_key": "key"})
QUOTA = {"error": {"code": 403, "errors": [{"domain": "youtube.quota", "reason": "quotaExceeded"}]}}


class Importer:
    """Fetches from an upstream that gives these answers in turn, the last one for ever."""

    def __init__(self, budgets: Budgets, *answers: httpx2.Response) -> None:
        self.calls = 0
        self._answers: Iterator[httpx2.Response] = iter(answers)
        self._last = answers[-1]
        self.registry = build_registry(SETTINGS)
        transport = httpx2.MockTransport(self._answer)
        self.http = Upstream(
            transport, self.registry.bases, budgets=budgets, sleep=budgets.sleep, now=budgets.now, chance=lambda: 0.0
        )

    def _answer(self, _request: httpx2.Request) -> httpx2.Response:
        self.calls += 1
        answer = next(self._answers, self._last)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def fetch(self, url: str) -> None:
        found = self.registry.recognise(url)
        await found.integration.fetch(found.ref, self.http, Credentials(user_id="ada"))


async def spent(db: Database, name: str) -> int:
    entry: dict[str, Any] | None = await db.budgets.find_one({"_id": name})
    assert entry
    return int(entry["taken"])


async def test_a_repository_costs_three_calls_of_the_hour_and_three_points(process: New, db: Database) -> None:
    budgets = process()
    await Importer(budgets, httpx2.Response(200, json=repository())).fetch(REPOSITORY)
    await budgets.aclose()
    assert await spent(db, "github.core/app") == await spent(db, "github.points/app") == 3


async def test_a_video_costs_one_unit_of_the_projects_day(process: New, db: Database) -> None:
    budgets = process()
    await Importer(budgets, httpx2.Response(200, json=video())).fetch(VIDEO)
    await budgets.aclose()
    assert await spent(db, "youtube.units/app") == 1


async def test_after_quota_exceeded_youtube_is_not_asked_again_that_day(process: New) -> None:
    importer = Importer(process(), httpx2.Response(403, json=QUOTA))
    told = []
    for _ in range(3):
        with pytest.raises(RateLimitError) as refusal:
            await importer.fetch(VIDEO)
        told.append((refusal.value.retry_at, refusal.value.error))
    assert importer.calls == 1
    assert set(told) == {(datetime(2026, 3, 2, 8, tzinfo=UTC), "YouTube's limit resets at 2 March, 08:00 UTC.")}


async def test_after_the_last_call_of_the_hour_github_is_not_asked_for_one_more(process: New) -> None:
    reset = str(int(datetime(2026, 3, 1, 12, 30, tzinfo=UTC).timestamp()))
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    importer = Importer(process(), httpx2.Response(200, json=repository(), headers=headers))
    await importer.fetch(REPOSITORY)
    with pytest.raises(BudgetSpentError, match=r"GitHub's limit resets at 12:30 UTC\."):
        await importer.fetch(REPOSITORY)
    assert importer.calls == 3


async def test_a_limit_of_a_few_seconds_is_waited_out_and_the_call_made_again(process: New) -> None:
    slow_down = httpx2.Response(429, headers={"retry-after": "2"}, json={})
    importer = Importer(process(), slow_down, httpx2.Response(200, json=video()))
    await importer.fetch(VIDEO)
    assert importer.calls == 2


# A limit that does not go away


OTHER = "https://github.com/octocat/other"
PAST = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}
SECONDARY = {"message": "You have exceeded a secondary rate limit."}


class Partial(Importer):
    """An upstream that turns away whoever asks for one repository, and answers for all others."""

    def __init__(self, budgets: Budgets, refusal: httpx2.Response, *, everybody: bool = False) -> None:
        super().__init__(budgets, httpx2.Response(200, json=repository()))
        self.refusal, self.everybody, self.refused = refusal, everybody, 0

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.everybody or "/hello-world" in request.url.path:
            self.refused += 1
            return httpx2.Response(self.refusal.status_code, headers=self.refusal.headers, content=self.refusal.content)
        return super()._answer(request)


REFUSALS = [
    httpx2.Response(429, json={}),
    httpx2.Response(429, json={}, headers={"retry-after": "1"}),
    httpx2.Response(403, json={}, headers={"retry-after": "600"}),
    httpx2.Response(403, json=SECONDARY),
    httpx2.Response(403, json={}, headers=PAST),
]


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_repository_that_is_limited_for_ever_closes_github_for_nobody_and_is_asked_for_ever_less(
    process: New, clock: Clock, refusal: httpx2.Response
) -> None:
    importer, began, calls = Partial(process(), refusal), clock.now, []
    for _ in range(8):
        before = importer.refused
        with pytest.raises(RateLimitError) as caught:
            await importer.fetch(REPOSITORY)
        assert not isinstance(caught.value, BudgetSpentError), "it counts as a wait"
        assert caught.value.retry_at is not None
        calls.append(importer.refused - before)
        await importer.fetch(OTHER)
        assert clock.now - began < timedelta(hours=6), "other members' imports go on"
        clock.pass_(timedelta(minutes=15))
    assert calls[0] > 0
    assert sum(calls) < 60
    assert calls[-1] == 0 or sum(calls[4:]) < sum(calls[:4]), calls


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_limit_of_the_account_is_found_out_with_the_second_repository(
    process: New, refusal: httpx2.Response
) -> None:
    importer = Partial(process(), refusal, everybody=True)
    for link in (REPOSITORY, OTHER):
        with pytest.raises(RateLimitError):
            await importer.fetch(link)
    before = importer.refused
    with pytest.raises(RateLimitError):
        await importer.fetch("https://github.com/octocat/third")
    assert importer.refused - before == 0 or refusal.headers.get("retry-after") == "1"
