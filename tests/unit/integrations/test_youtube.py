"""YouTube: the request, mapping, and what each refusal means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from integrations.credentials import Credentials
from kit.errors import (
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    UpstreamUnavailableError,
)
from schemas.content import Item, Video
from tests.unit.integrations.answers import NOW, Json, World, reply, video

VIDEOS = "/youtube/v3/videos"
ID = "dQw4w9WgXcQ"


async def fetch(world: World, credentials: Credentials | None = None) -> Item:
    return await world.fetch(f"https://youtu.be/{ID}", credentials)


async def item_of(body: Any) -> Item:
    return await fetch(World({VIDEOS: reply(body=body)}))


async def refusal(answer: httpx2.Response, now: datetime = NOW) -> ImportProblem:
    with pytest.raises(ImportProblem) as caught:
        await fetch(World({VIDEOS: answer}, now=now))
    return caught.value


def snippet(**changes: Any) -> Json:
    body = video()
    body["items"][0]["snippet"].update(changes)
    return body


async def test_a_video_becomes_an_item() -> None:
    item = await item_of(video())
    assert item.url == f"https://youtube.com/watch?v={ID}"
    assert (item.kind, item.title, item.full_name, item.external_id) == ("video", "A title", "A title", ID)
    assert (item.description, item.text, item.is_private) == ("About it", "About it", False)
    assert item.video == Video(provider="youtube", video_id=ID)
    assert item.image_url == "https://i.example/default.jpg"
    assert item.metadata == {
        "youtube_video_id": ID, "view_count": 1500, "like_count": 20, "published_at": "2009-10-25T06:57:33Z",
        "duration": "PT3M33S", "channel_id": "UC38IQsAvIsxxjztdMZQtwHA", "channel_title": "A channel", "live": "none",
        "embeddable": True, "age_restricted": False,
    }  # fmt: skip


async def test_the_key_is_sent_as_a_header_and_the_members_token_instead_of_it() -> None:
    world = World({VIDEOS: reply(body=video())})
    await fetch(world)
    await fetch(world, Credentials(SecretStr("member")))
    with_key, with_token = world.requests
    assert with_key.headers["x-goog-api-key"] == "app-key"
    assert "app-key" not in str(with_key.url)
    assert (with_token.headers["authorization"], with_token.headers.get("x-goog-api-key")) == ("Bearer member", None)
    assert dict(with_key.url.params) == {
        "part": "snippet,contentDetails,statistics,status,liveStreamingDetails", "id": ID,
    }  # fmt: skip


async def test_without_any_credential_the_member_is_asked_to_connect() -> None:
    world = World({VIDEOS: reply(body=video())}, settings={"youtube_api_key": None})
    with pytest.raises(IntegrationAuthError) as caught:
        await fetch(world)
    assert (caught.value.error_code, caught.value.action) == ("AUTH_ERROR", "connect_youtube")
    assert world.requests == []


@pytest.mark.parametrize("best", ["maxres", "standard", "high", "medium", "default"])
async def test_the_best_thumbnail_there_is(best: str) -> None:
    sizes = ["default", "medium", "high", "standard", "maxres"]
    there = {size: {"url": f"https://i.example/{size}.jpg"} for size in sizes[: sizes.index(best) + 1]}
    assert (await item_of(snippet(thumbnails=there))).image_url == f"https://i.example/{best}.jpg"


@pytest.mark.parametrize("thumbnails", [{}, None, [], {"high": {}}, {"high": {"url": "javascript:alert(1)"}}])
async def test_there_may_be_no_thumbnail(thumbnails: Any) -> None:
    assert (await item_of(snippet(thumbnails=thumbnails))).image_url is None


async def test_a_long_description_is_cut_for_the_summary_and_kept_for_the_text() -> None:
    item = await item_of(snippet(description="word " * 900))
    assert (len(item.description), item.text) == (499, ("word " * 900).strip())


async def test_a_description_is_text_and_not_markup() -> None:
    item = await item_of(snippet(description="# no *heading*\n<b>https://x.example/a_b</b>"))
    assert item.text == "\\# no \\*heading\\*  \n\\<b\\><https://x.example/a_b>\\</b\\>"


async def test_statistics_and_duration_may_be_absent() -> None:
    item = await item_of(video(statistics={"viewCount": "7"}, contentDetails={}))
    assert (item.metadata["view_count"], item.metadata["like_count"], item.metadata["duration"]) == (7, None, None)


async def test_a_description_may_be_absent_and_a_duration_have_days() -> None:
    item = await item_of(snippet(description=None))
    assert (item.description, item.text) == ("", "")
    long = await item_of(video(contentDetails={"duration": "P2DT4H5M"}))
    assert long.metadata["duration"] == "P2DT4H5M"


@pytest.mark.parametrize(
    ("broadcast", "details", "live"),
    [
        ("live", {"actualStartTime": "2026-01-01T00:00:00Z"}, "live"),
        ("upcoming", {"scheduledStartTime": "2026-01-01T00:00:00Z"}, "upcoming"),
        ("none", {"actualEndTime": "2026-01-01T00:00:00Z"}, "completed"),
        ("none", {}, "none"),
    ],
)
async def test_live_videos(broadcast: str, details: Json, live: str) -> None:
    body = snippet(liveBroadcastContent=broadcast)
    body["items"][0] |= {"liveStreamingDetails": details, "contentDetails": {"duration": "P0D"}}
    item = await item_of(body)
    assert (item.metadata["live"], item.metadata["duration"]) == (live, None)


async def test_a_private_video_is_its_owners_alone() -> None:
    private = video(status={"privacyStatus": "private"})
    with pytest.raises(ContentNotFoundError):
        await fetch(World({VIDEOS: reply(body=private)}))
    assert (await fetch(World({VIDEOS: reply(body=private)}), Credentials(SecretStr("member")))).is_private


async def test_a_missing_or_private_video_is_a_success_without_items() -> None:
    empty = {"kind": "youtube#videoListResponse", "items": []}
    for body in (empty, {"kind": "youtube#videoListResponse"}, video("AAAAAAAAAAA")):
        assert isinstance(await refusal(reply(body=body)), ContentNotFoundError)


@pytest.mark.parametrize(
    "body", [[], {}, {"kind": "youtube#channelListResponse", "items": []}, video(snippet={}), b"<"]
)
async def test_an_answer_that_is_no_video_list_makes_no_sense(body: Any) -> None:
    assert isinstance(await refusal(reply(body=body)), UpstreamUnavailableError)


# Refusals


def error(status: int, reason: str, detail: str = "", **headers: str) -> httpx2.Response:
    entry = {"reason": reason, "message": 'see <a href="/quota">quota</a>', "domain": "youtube"}
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}] if detail else []
    body = {"error": {"code": status, "message": entry["message"], "errors": [entry], "details": details}}
    return reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("now", "reset"),
    [
        (datetime(2026, 1, 15, 12, 0, tzinfo=UTC), datetime(2026, 1, 16, 8, 0, tzinfo=UTC)),  # PST
        (datetime(2026, 7, 15, 6, 59, tzinfo=UTC), datetime(2026, 7, 15, 7, 0, tzinfo=UTC)),  # PDT, a minute before
        (
            datetime(2026, 3, 8, 7, 59, tzinfo=UTC),
            datetime(2026, 3, 8, 8, 0, tzinfo=UTC),
        ),  # the night the clocks change
        (datetime(2026, 3, 8, 12, 0, tzinfo=UTC), datetime(2026, 3, 9, 7, 0, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("reason", ["quotaExceeded", "dailyLimitExceeded"])
async def test_spent_quota_comes_back_at_midnight_in_california(now: datetime, reset: datetime, reason: str) -> None:
    refused = await refusal(error(403, reason), now)
    assert isinstance(refused, RateLimitError)
    assert refused.retry_at == reset


def quota(unit: str, message: str = "Quota exceeded") -> httpx2.Response:
    """As newer quotas are told, of a minute and of a day alike."""
    details = [{"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_unit": unit} if unit else {}}]
    entries = [{"domain": "global", "reason": "rateLimitExceeded"}]
    return reply(429, {"error": {"code": 429, "message": message, "errors": entries, "details": details}})


@pytest.mark.parametrize(
    ("answer", "reset"),
    [
        (quota("1/d/{project}"), datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        (
            quota("", "… metric 'Look-ups' and limit 'Look-ups per day' of …"),
            datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
        ),
        (quota("1/min/{project}"), NOW + timedelta(seconds=60)),
        (
            quota("", "… metric 'Look-ups' and limit 'Look-ups per minute per user' of …"),
            NOW + timedelta(seconds=60),
        ),
    ],
)
async def test_a_quota_of_a_day_is_one_whatever_it_calls_itself(answer: httpx2.Response, reset: datetime) -> None:
    refused = await refusal(answer)
    assert isinstance(refused, RateLimitError)
    assert refused.retry_at == reset


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(error(403, "rateLimitExceeded"), 60), (error(403, "userRateLimitExceeded", retry_after="30"), 30),
     (error(403, "rateLimitExceeded", "RATE_LIMIT_EXCEEDED"), 60), (error(429, "rateLimitExceeded"), 60),
     (error(403, "forbidden", "RATE_LIMIT_EXCEEDED"), 60), (error(429, "x"), 60), (reply(429, b"slow down"), 60)],
)  # fmt: skip
async def test_too_fast_is_a_short_wait(answer: httpx2.Response, seconds: int) -> None:
    refused = await refusal(answer)
    assert isinstance(refused, RateLimitError)
    assert refused.retry_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(404, "videoNotFound"), ContentNotFoundError),
        (error(400, "missingRequiredParameter"), UpstreamUnavailableError),
        (error(503, "backendError"), UpstreamUnavailableError),
        (reply(502, b"<html>"), UpstreamUnavailableError),
        (reply(400, {"error": "invalid_request"}), UpstreamUnavailableError),
    ],
)
async def test_refusals(answer: httpx2.Response, kind: type[ImportProblem]) -> None:
    refused = await refusal(answer)
    assert type(refused) is kind
    assert "<" not in str(refused.body())
