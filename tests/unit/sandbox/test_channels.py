from typing import Any

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.data import load_channels
from sandbox.data.uploads import ARCHIVE, LIGHTHOUSE
from sandbox.upstreams.youtube.service import STATS


@pytest.fixture
def youtube(sandbox: SandboxClient) -> str:
    return sandbox.environment["YOUTUBE_API_URL"]


async def _get(http: aiohttp.ClientSession, url: str, **query: str) -> Any:
    async with http.get(url, params={"key": "k", **query}) as response:
        return await response.json()


async def _page(http: aiohttp.ClientSession, youtube: str, channel: str, token: str = "", size: int = 50) -> Any:
    query = {"part": "snippet,contentDetails,status", "playlistId": f"UU{channel[2:]}", "maxResults": str(size)}
    return await _get(http, f"{youtube}/playlistItems", **query, **({"pageToken": token} if token else {}))


def _ids(page: Any) -> list[str]:
    return [item["contentDetails"]["videoId"] for item in page["items"]]


async def test_uploads_come_newest_first_over_pages_and_a_page_may_be_short(
    http: aiohttp.ClientSession, youtube: str
) -> None:
    seen: list[str] = []
    sizes, token = [], ""
    while True:
        page = await _page(http, youtube, ARCHIVE.id, token)
        assert page["pageInfo"] == {"totalResults": 320, "resultsPerPage": 50}
        seen += _ids(page)
        sizes.append(len(page["items"]))
        if not (token := page.get("nextPageToken", "")):
            break
    assert seen == sorted(set(seen), reverse=True)
    assert len(sizes) == 7
    assert sum(sizes) == 320 - 8  # eight are unlisted
    assert min(sizes[:6]) < 50
    assert "sbxReel0019" not in seen
    assert (await _page(http, youtube, ARCHIVE.id, "nonsense"))["error"]["errors"][0]["reason"] == "invalidPageToken"


async def test_default_page_holds_five_and_no_playlist_is_404(http: aiohttp.ClientSession, youtube: str) -> None:
    uploads = f"UU{LIGHTHOUSE.id[2:]}"
    page = await _get(http, f"{youtube}/playlistItems", part="id", playlistId=uploads)
    assert len(page["items"]) == 5
    missing = await _get(http, f"{youtube}/playlistItems", part="id", playlistId="UUnobody")
    assert missing["error"]["errors"][0]["reason"] == "playlistNotFound"


async def test_latest_fifty_of_the_channel_to_show_can_all_be_seen(http: aiohttp.ClientSession, youtube: str) -> None:
    page = await _page(http, youtube, LIGHTHOUSE.id)
    assert {item["status"]["privacyStatus"] for item in page["items"]} == {"public"}
    videos = await _get(http, f"{youtube}/videos", part="snippet,statistics", id=",".join(_ids(page)))
    assert len(videos["items"]) == 50
    assert "nextPageToken" in page


async def test_private_and_deleted_entries_stay_without_what_they_showed(
    sandbox: SandboxClient, http: aiohttp.ClientSession, youtube: str
) -> None:
    await sandbox.change_video("sbxLight056", privacy="private")
    await sandbox.delete_video("sbxLight055")
    private, deleted, public = (await _page(http, youtube, LIGHTHOUSE.id, size=3))["items"]
    assert (private["snippet"]["title"], private["status"]["privacyStatus"]) == ("Private video", "private")
    assert deleted["snippet"]["title"] == "Deleted video"
    assert deleted["status"]["privacyStatus"] == "privacyStatusUnspecified"
    for gone in (private, deleted):
        assert gone["snippet"]["thumbnails"] == {}
        assert "videoPublishedAt" not in gone["contentDetails"]
    assert public["snippet"]["videoOwnerChannelId"] == LIGHTHOUSE.id


async def test_new_upload_is_first_counted_and_changes_the_etag(
    sandbox: SandboxClient, http: aiohttp.ClientSession, youtube: str
) -> None:
    async def known(etag: str) -> int:
        query = {"part": "contentDetails", "playlistId": f"UU{LIGHTHOUSE.id[2:]}", "maxResults": "50", "key": "k"}
        headers = {"If-None-Match": f'"{etag}"'}
        async with http.get(f"{youtube}/playlistItems", params=query, headers=headers) as response:
            return response.status

    query = {"part": "contentDetails", "playlistId": f"UU{LIGHTHOUSE.id[2:]}", "maxResults": "50"}
    before = await _get(http, f"{youtube}/playlistItems", **query)
    count = await _get(http, f"{youtube}/channels", part="statistics", id=LIGHTHOUSE.id)
    assert await known(before["etag"]) == 304
    video_id = await sandbox.upload("@lighthouseexample", title="Fresh")
    assert await known(before["etag"]) == 200
    assert _ids(await _page(http, youtube, LIGHTHOUSE.id))[:2] == [video_id, "sbxLight056"]
    after = await _get(http, f"{youtube}/channels", part="statistics", id=LIGHTHOUSE.id)
    counts = [int(body["items"][0]["statistics"]["videoCount"]) for body in (count, after)]
    assert counts == [54, 55]


async def test_channel_is_found_by_every_name_it_has(http: aiohttp.ClientSession, youtube: str) -> None:
    for query in ({"id": LIGHTHOUSE.id}, {"forHandle": "@LighthouseExample"}, {"forUsername": "LighthouseRadio"}):
        body = await _get(http, f"{youtube}/channels", part="id", **query)
        assert [item["id"] for item in body["items"]] == [LIGHTHOUSE.id]
    assert (await _get(http, f"{youtube}/channels", part="id", forUsername="lighthouseexample"))["items"] == []


async def test_changed_channel_takes_its_videos_along_and_a_deleted_one_too(
    sandbox: SandboxClient, http: aiohttp.ClientSession, youtube: str
) -> None:
    await sandbox.change_channel(LIGHTHOUSE.id, title="Renamed", handle="renamedexample")
    video = await _get(http, f"{youtube}/videos", part="snippet", id="sbxLight001")
    assert video["items"][0]["snippet"]["channelTitle"] == "Renamed"
    assert (await _get(http, f"{youtube}/channels", part="id", forHandle="@lighthouseexample"))["items"] == []
    await sandbox.delete_channel("@renamedexample")
    assert (await _get(http, f"{youtube}/channels", part="id", id=LIGHTHOUSE.id))["items"] == []
    assert (await _get(http, f"{youtube}/videos", part="id", id="sbxLight001"))["items"] == []
    assert "error" in await _page(http, youtube, LIGHTHOUSE.id)


async def test_load_channels_have_no_end_and_can_be_uploaded_to(
    sandbox: SandboxClient, http: aiohttp.ClientSession, youtube: str
) -> None:
    channel = load_channels.channel_id(99_999)
    body = await _get(http, f"{youtube}/channels", part="id", forHandle="@loadchannel99999")
    assert body["items"][0]["id"] == channel
    assert _ids(await _page(http, youtube, channel)) == [f"lc99999{k:04}" for k in (4, 3, 2, 1, 0)]
    video_id = await sandbox.upload(channel)
    assert _ids(await _page(http, youtube, channel))[:2] == [video_id, "lc999990004"]
    for nobody in ("@loadchannel100000", "@loadchannel007", "@loadchannel"):
        assert (await _get(http, f"{youtube}/channels", part="id", forHandle=nobody))["items"] == []


async def test_statistics_in_a_batch_are_of_another_budget(
    sandbox: SandboxClient, http: aiohttp.ClientSession, youtube: str
) -> None:
    await sandbox.limit(STATS, authenticated=1)
    query = {"part": "statistics", "id": "sbxTidePool,sbxDeleted0,sbxLight001"}
    body = await _get(http, f"{youtube}/videos:batchGetStats", **query)
    assert [item["id"] for item in body["items"]] == ["sbxTidePool", "sbxLight001"]
    assert body["items"][0]["statistics"]["viewCount"] == "182340"
    refused = await _get(http, f"{youtube}/videos:batchGetStats", **query)
    assert refused["error"]["errors"][0]["reason"] == "quotaExceeded"
    assert await sandbox.spent("youtube") == {}
    await sandbox.advance(25 * 3_600)
    assert "items" in await _get(http, f"{youtube}/videos:batchGetStats", **query)


async def test_upload_that_cannot_be_is_refused(sandbox: SandboxClient) -> None:
    with pytest.raises(ValueError, match="no channel"):
        await sandbox.upload("@nobody-here")
    with pytest.raises(ValueError, match="already"):
        await sandbox.upload("@lighthouseexample", id="sbxTidePool")
    with pytest.raises(ValueError, match="no field"):
        await sandbox.upload("@lighthouseexample", titel="x")
