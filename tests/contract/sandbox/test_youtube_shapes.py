"""The sandbox's YouTube answers like YouTube: by its discovery document, and by what it really said."""

from typing import Any

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.data.uploads import ARCHIVE
from sandbox.data.videos import CHANNELS, VIDEOS
from sandbox.upstreams.youtube.errors import FAULTS
from sandbox.upstreams.youtube.shapes import CHANNEL_PARTS, STATS_PARTS, VIDEO_PARTS
from tests.contract.sandbox.conftest import Recordings
from tests.contract.sandbox.official import complaints, of_discovery

SPEC = "specs/youtube-data-v3.trimmed.discovery.json"
PARTS = ["snippet", "contentDetails", "statistics", "status", "liveStreamingDetails"]
RECORDED_ERRORS = {
    "key_invalid": "400.keyInvalid.current",
    "auth_error": "401.authError.channels",
    "quota_exceeded": "403.quotaExceeded",
    "rate_limit": "403.rateLimitExceeded",
    "access_not_configured": "403.accessNotConfigured",
}


async def _get(sandbox: SandboxClient, http: aiohttp.ClientSession, path: str, **query: str) -> tuple[int, Any]:
    url = sandbox.environment["YOUTUBE_API_URL"] + path
    async with http.get(url, params={"key": "sandbox-key", **query}) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("parts", [[part] for part in sorted(VIDEO_PARTS)] + [sorted(VIDEO_PARTS), PARTS])
async def test_videos_fit_the_specification(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings, parts: list[str]
) -> None:
    ids = [video.id for video in VIDEOS if video.privacy != "private"] + ["ld000000000", "ld000012345"]
    status, body = await _get(sandbox, http, "/videos", part=",".join(parts), id=",".join(ids))
    assert status == 200
    assert [item["id"] for item in body["items"]] == ids
    assert not complaints(of_discovery(recordings.load(SPEC), "VideoListResponse"), body)
    asked = set(parts) | {"kind", "etag", "id"}
    assert all(set(item) <= asked for item in body["items"])


async def test_channels_fit_the_specification(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    ids = ",".join(channel.id for channel in CHANNELS)
    _, body = await _get(sandbox, http, "/channels", part=",".join(CHANNEL_PARTS), id=ids)
    assert len(body["items"]) == len(CHANNELS)
    assert not complaints(of_discovery(recordings.load(SPEC), "ChannelListResponse"), body)


async def test_uploads_fit_the_specification_and_the_recordings(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    validator = of_discovery(recordings.load(SPEC), "PlaylistItemListResponse")
    recorded = recordings.load("youtube/playlistItems/nango.list-playlist-items.playlistItems.0.json")
    shapes = {(item["status"]["privacyStatus"], _fields(item)) for item in recorded["items"]}
    token: dict[str, str] = {}
    while True:
        query = {"playlistId": f"UU{ARCHIVE.id[2:]}", "maxResults": "50", **token}
        _, body = await _get(sandbox, http, "/playlistItems", part="id,snippet,contentDetails,status", **query)
        assert not complaints(validator, body)
        assert {(item["status"]["privacyStatus"], _fields(item)) for item in body["items"]} <= shapes
        if "nextPageToken" not in body:
            break
        token = {"pageToken": body["nextPageToken"]}
    assert set(recorded) - set(body) == {"nextPageToken"}


def _fields(item: dict[str, Any]) -> frozenset[str]:
    parts = ("snippet", "contentDetails", "status")
    return frozenset(f"{part}.{name}" for part in parts for name in item[part]) | frozenset(item)


async def test_missing_playlist_as_recorded(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    status, _, recorded = recordings.exchange("youtube/errors/404.playlistNotFound.http.json")
    assert await _get(sandbox, http, "/playlistItems", part="snippet", playlistId="PLgone") == (status, recorded)


@pytest.mark.parametrize("parts", [[part] for part in sorted(STATS_PARTS)] + [sorted(STATS_PARTS)])
async def test_statistics_in_a_batch_fit_the_specification(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings, parts: list[str]
) -> None:
    validator = of_discovery(recordings.load("youtube/discovery.youtube.v3.json"), "BatchGetStatsResponse")
    ids = ",".join(video.id for video in VIDEOS)
    status, body = await _get(sandbox, http, "/videos:batchGetStats", part=",".join(parts), id=ids)
    assert status == 200
    assert not complaints(validator, body)
    assert {name for item in body["items"] for name in item} == {*parts, "kind", "etag", "id"}


async def test_videos_have_no_field_that_no_recording_has(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    seen: dict[str, set[str]] = {}
    for answer in recordings.all_in("youtube/videos"):
        for item in answer.get("items", []):
            for part in PARTS:
                seen.setdefault(part, set()).update(item.get(part, {}))
    ids = ",".join(video.id for video in VIDEOS)
    _, body = await _get(sandbox, http, "/videos", part=",".join(PARTS), id=ids)
    for item in body["items"]:
        for part in PARTS:
            # what a finished stream has too, by the specification
            assert set(item.get(part, {})) <= seen[part] | {"actualEndTime"}


@pytest.mark.parametrize("video_id", ["sbxDeleted0", "sbxPrivate0"])
async def test_missing_and_private_videos_are_an_empty_list_as_recorded(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings, video_id: str
) -> None:
    recorded = recordings.load("youtube/videos/yt-gem.videos.empty.snippet.1.json")
    status, body = await _get(sandbox, http, "/videos", part="snippet", id=video_id)
    assert status == 200
    assert {**body, "etag": ""} == {**recorded, "etag": ""}


@pytest.mark.parametrize("kind", FAULTS)
async def test_error_is_shaped_as_recorded(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings, kind: str
) -> None:
    await sandbox.fault("youtube", kind)
    status, body = await _get(sandbox, http, "/videos", part="snippet", id="sbxTidePool")
    error = body["error"]
    assert error["code"] == status
    assert {"message", "domain", "reason"} <= set(error["errors"][0])
    if kind in RECORDED_ERRORS:
        recorded_status, _, recorded = recordings.exchange(f"youtube/errors/{RECORDED_ERRORS[kind]}.http.json")
        assert status == recorded_status
        assert error["errors"][0]["reason"] == recorded["error"]["errors"][0]["reason"]
        assert error["errors"][0]["domain"] == recorded["error"]["errors"][0]["domain"]
        assert set(error) == set(recorded["error"])
        assert ("<a href=" in error["message"]) == ("<a href=" in recorded["error"]["message"])
