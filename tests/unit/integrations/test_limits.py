"""Whose budget a call spends, what it costs, and what answers tell of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from integrations.client import Client
from integrations.credentials import Credentials
from integrations.github import limits as github_limits
from integrations.github.client import GitHubClient
from integrations.registry import IntegrationSettings
from integrations.youtube import limits as youtube_limits
from integrations.youtube.client import YouTubeClient
from kit.budgets import ANONYMOUS, APP, Bucket, Charge, Reading
from kit.http import Response
from kit.upstream import Upstream

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RESET = NOW + timedelta(minutes=40)
MEMBER = Credentials(SecretStr("token"), account="4711", user_id="ada")
APP_TOKEN = {"github_token": "app"}
COUNT = {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "4990",
    "x-ratelimit-reset": str(int(RESET.timestamp())),
    "x-ratelimit-resource": "core",
}


def charge_of(client: type[Client[Any]], credentials: Credentials, **values: object) -> Charge:
    settings = IntegrationSettings.model_validate(values)
    return client(settings, Upstream(httpx2.MockTransport(lambda _: httpx2.Response(200)), []), credentials).charge()


def answer(headers: dict[str, str]) -> Response:
    return Response(200, httpx2.Headers(headers), b"{}", "GitHub")


@pytest.mark.parametrize(
    ("credentials", "values", "account", "hourly"),
    [
        (MEMBER, APP_TOKEN, "4711", "github.core"),
        (Credentials(SecretStr("token"), user_id="ada"), {}, "member ada", "github.core"),
        (Credentials(user_id="ada"), APP_TOKEN, APP, "github.core"),
        (Credentials(), {"github_client_id": "id", "github_client_secret": "s"}, APP, "github.core"),
        (Credentials(), {"github_client_id": "id"}, ANONYMOUS, "github.anonymous"),
        (Credentials(), {}, ANONYMOUS, "github.anonymous"),
    ],
)
def test_github_counts_by_account(credentials: Credentials, values: dict[str, str], account: str, hourly: str) -> None:
    charge = charge_of(GitHubClient, credentials, **values)
    assert (charge.account, charge.user_id) == (account, credentials.user_id)
    assert [(bucket.name, units) for bucket, units in charge.costs] == [(hourly, 1), ("github.points", 1)]
    assert charge.slots
    assert charge.slots.count == 100


@pytest.mark.parametrize(("credentials", "free"), [(MEMBER, True), (Credentials(), False)])
def test_what_is_not_modified_is_free_for_those_who_say_who_they_are(credentials: Credentials, free: bool) -> None:
    (hourly, _), (points, _) = charge_of(GitHubClient, credentials).costs
    unchanged = Response(304, httpx2.Headers(), b"", "GitHub")
    assert (hourly.free is not None and hourly.free(unchanged), points.free) == (free, None)
    assert hourly.free is None or not hourly.free(answer({}))


def test_no_minute_holds_more_points_than_github_allows() -> None:
    (_, (points, _)) = charge_of(GitHubClient, MEMBER, github_points_per_minute=900).costs
    most = 0
    for second in range(60):
        begin = at = NOW + timedelta(seconds=second / 7)
        spent = points.units
        while (at := points.next_reset(at)) < begin + timedelta(minutes=1):
            spent += points.units
        most = max(most, spent)
    assert 800 < most <= 900


def test_github_tells_its_own_count() -> None:
    assert github_limits.read(answer(COUNT), NOW) == Reading(5_000, 10, RESET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        COUNT | {"x-ratelimit-resource": "search"},
        COUNT | {"x-ratelimit-limit": "many"},
        COUNT | {"x-ratelimit-remaining": "-1"},
        COUNT | {"x-ratelimit-reset": "9" * 15},
    ],
)
def test_a_count_that_is_absent_another_one_or_nonsense_is_not_read(headers: dict[str, str]) -> None:
    assert github_limits.read(answer(headers), NOW) is None


@pytest.mark.parametrize("credentials", [MEMBER, Credentials()])
def test_youtube_counts_by_project_whoever_asks(credentials: Credentials) -> None:
    charge = charge_of(YouTubeClient, credentials, youtube_daily_units=50_000)
    ((bucket, units),) = charge.costs
    assert (charge.account, bucket.name, bucket.units, units) == (APP, "youtube.units", 50_000, 1)


@pytest.mark.parametrize("bucket", [github_limits.CORE, youtube_limits.UNITS])
def test_those_who_wait_have_a_reserve_and_members_share_fairly(bucket: Bucket) -> None:
    assert bucket.reserve > 0
    assert bucket.fair
