import xml.etree.ElementTree as ET

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.data.uploads import LIGHTHOUSE

ATOM = {"a": "http://www.w3.org/2005/Atom", "yt": "http://www.youtube.com/xml/schemas/2015"}


@pytest.fixture
def feeds(sandbox: SandboxClient) -> str:
    return sandbox.environment["YOUTUBE_FEEDS_URL"] + "/videos.xml"


async def _ids(http: aiohttp.ClientSession, feeds: str, **query: str) -> list[str | None]:
    async with http.get(feeds, params=query) as response:
        assert response.content_type == "text/xml"
        feed = ET.fromstring(await response.read())  # noqa: S314
    return [entry.findtext("yt:videoId", "", ATOM) for entry in feed.findall("a:entry", ATOM)]


async def test_feed_shows_the_latest_fifteen_that_are_public_and_costs_nothing(
    sandbox: SandboxClient, http: aiohttp.ClientSession, feeds: str
) -> None:
    await sandbox.change_video("sbxLight056", privacy="private")
    await sandbox.change_video("sbxLight055", privacy="unlisted")
    await sandbox.delete_video("sbxLight054")
    video_id = await sandbox.upload("@lighthouseexample", title='<b>"&\x07')
    expected = [video_id, *(f"sbxLight{number:03}" for number in range(53, 39, -1))]
    assert await _ids(http, feeds, channel_id=LIGHTHOUSE.id) == expected
    assert await _ids(http, feeds, playlist_id=f"UU{LIGHTHOUSE.id[2:]}") == expected
    assert await sandbox.spent("youtube") == {}


async def test_unchanged_feed_is_304_until_something_changes(
    sandbox: SandboxClient, http: aiohttp.ClientSession, feeds: str
) -> None:
    query = {"channel_id": LIGHTHOUSE.id}
    async with http.get(feeds, params=query) as response:
        known = {"If-None-Match": response.headers["ETag"]}
        assert "Last-Modified" in response.headers
    for change, status in (({}, 304), ({"title": "Edited"}, 200)):
        if change:
            await sandbox.change_video("sbxLight056", **change)
        async with http.get(feeds, params=query, headers=known) as response:
            assert response.status == status


async def test_unknown_channel_is_404_and_so_is_any_while_told_to(
    sandbox: SandboxClient, http: aiohttp.ClientSession, feeds: str
) -> None:
    async def status(channel: str) -> int:
        async with http.get(feeds, params={"channel_id": channel}) as response:
            return response.status

    assert await status("UCnobody") == 404
    await sandbox.fault("feeds", "not_found", times=1)
    assert [await status(LIGHTHOUSE.id) for _ in range(2)] == [404, 200]
    await sandbox.fault("feeds", status=403, contains=LIGHTHOUSE.id)
    assert await status(LIGHTHOUSE.id) == 403
