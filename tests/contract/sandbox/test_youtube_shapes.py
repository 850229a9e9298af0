"""The sandbox's YouTube answers like YouTube: by its discovery document, and by what it really said."""

from typing import Any

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.data.videos import CHANNELS, VIDEOS
from sandbox.upstreams.youtube.errors import FAULTS
from sandbox.upstreams.youtube.shapes import CHANNEL_PARTS, VIDEO_PARTS
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
