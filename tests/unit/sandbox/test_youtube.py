from typing import Any

import aiohttp
import pytest

from sandbox.client import SandboxClient


@pytest.fixture
def youtube(sandbox: SandboxClient) -> str:
    return sandbox.environment["YOUTUBE_API_URL"]


async def _videos(http: aiohttp.ClientSession, youtube: str, ids: str, **more: str) -> Any:
    query = {"part": "snippet,statistics", "id": ids, "key": "k", **more}
    async with http.get(f"{youtube}/videos", params=query) as response:
        return await response.json()


async def test_known_videos_come_in_the_order_asked_and_others_are_left_out(
    http: aiohttp.ClientSession, youtube: str
) -> None:
    body = await _videos(http, youtube, "ld000000007,sbxDeleted0,sbxTidePool,sbxPrivate0,sbxTidePool")
    assert [item["id"] for item in body["items"]] == ["ld000000007", "sbxTidePool"]
    assert body["pageInfo"]["totalResults"] == 2


async def test_hidden_numbers_and_missing_thumbnails_are_absent(http: aiohttp.ClientSession, youtube: str) -> None:
    body = await _videos(http, youtube, "sbxNoStats0,sbxDefThumb")
    hidden, small = body["items"]
    assert set(hidden["statistics"]) == {"favoriteCount", "commentCount"}
    assert set(small["snippet"]["thumbnails"]) == {"default"}


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ({"id": "sbxTidePool", "key": "k"}, 400, "missingRequiredParameter"),
        ({"part": "snippet", "key": "k"}, 400, "missingRequiredParameter"),
        ({"part": "snippet,nonsense", "id": "sbxTidePool", "key": "k"}, 400, "unknownPart"),
        ({"part": "snippet", "id": ",".join(["sbxTidePool"] * 51), "key": "k"}, 400, "invalidFilters"),
        ({"part": "snippet", "id": "sbxTidePool"}, 403, "forbidden"),
        ({"part": "snippet", "id": "sbxTidePool", "key": "bad-key"}, 400, "badRequest"),
    ],
)
async def test_wrong_questions_are_refused(
    http: aiohttp.ClientSession, youtube: str, query: dict[str, str], status: int, reason: str
) -> None:
    async with http.get(f"{youtube}/videos", params=query) as response:
        assert response.status == status
        assert (await response.json())["error"]["errors"][0]["reason"] == reason


async def test_key_may_come_in_a_header_and_a_token_is_checked(http: aiohttp.ClientSession, youtube: str) -> None:
    query = {"part": "id", "id": "sbxPrivate0,sbxTidePool"}
    seen = {}
    for name, value in (
        ("X-Goog-Api-Key", "k"),
        ("Authorization", "Bearer expired"),
        ("Authorization", "Bearer tidewaterexample"),
    ):
        async with http.get(f"{youtube}/videos", params=query, headers={name: value}) as response:
            body = await response.json()
            seen[value] = len(body["items"]) if response.status == 200 else response.status
    assert seen == {"k": 1, "Bearer expired": 401, "Bearer tidewaterexample": 2}  # the owner sees the private one


async def test_quota_is_counted_per_call_and_ends_in_403(
    sandbox: SandboxClient, http: aiohttp.ClientSession, youtube: str
) -> None:
    await sandbox.limit("youtube", authenticated=1)
    assert "items" in await _videos(http, youtube, "sbxTidePool,sbxNightSky")
    body = await _videos(http, youtube, "sbxTidePool")
    assert body["error"]["errors"][0]["reason"] == "quotaExceeded"
    assert "items" in await _videos(http, youtube, "sbxTidePool", key="another-key")
    spent = await sandbox.spent("youtube")
    assert (spent["k"]["used"], spent["k"]["refused"], spent["another-key"]["used"]) == (1, 1, 1)
    await sandbox.advance(25 * 3_600)
    assert "items" in await _videos(http, youtube, "sbxTidePool")


async def test_channel_is_found_by_id_and_by_handle(http: aiohttp.ClientSession, youtube: str) -> None:
    for query in ({"id": "UCsandboxTidewaterLabs0A"}, {"forHandle": "@TidewaterExample"}):
        async with http.get(f"{youtube}/channels", params={"part": "contentDetails", "key": "k", **query}) as response:
            (channel,) = (await response.json())["items"]
            assert channel["contentDetails"]["relatedPlaylists"]["uploads"] == "UUsandboxTidewaterLabs0A"
