"""What YouTube really answered about channels and their uploads: read, or refused in typed form, each."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from integrations.credentials import Credentials
from integrations.registry import IntegrationSettings
from integrations.youtube.client import YouTubeClient
from integrations.youtube.feed import FeedError, parse
from integrations.youtube.urls import CHANNEL_ID, VIDEO_ID, ChannelName
from kit.errors import UpstreamUnavailableError
from kit.upstream import Upstream
from tests.contract.test_recordings import answer, body_of
from tests.recordings import ROOT, needs_recordings

pytestmark = needs_recordings
SETTINGS = IntegrationSettings.model_validate({"youtube_api_key": "k"})


def recordings(folder: str, pattern: str = "*.json") -> list[Path]:
    return sorted((ROOT / folder).glob(pattern))


def name(file: Path) -> str:
    return file.name


def api(file: Path) -> YouTubeClient:
    play: Callable[[httpx2.Request], httpx2.Response] = lambda _request: answer(file)  # noqa: E731
    return YouTubeClient(SETTINGS, Upstream(httpx2.MockTransport(play), [SETTINGS.youtube_api_url]), Credentials())


@pytest.mark.parametrize("file", recordings("youtube/channels"), ids=name)
async def test_a_channel_is_read_or_refused(file: Path) -> None:
    items = body_of(file).get("items", [])
    if items and not items[0].get("snippet"):  # a part that no import asks for alone
        with pytest.raises(UpstreamUnavailableError):
            await api(file).channel(ChannelName("id", "UC"))
        return
    channel = await api(file).channel(ChannelName("id", "UC"))
    assert (channel is None) == (not items)
    if channel:
        assert channel.title == items[0]["snippet"]["title"]
        assert CHANNEL_ID.fullmatch(channel.id)
        assert channel.uploads == f"UU{channel.id[2:]}"


@pytest.mark.parametrize("file", recordings("youtube/playlistItems"), ids=name)
async def test_uploads_are_read(file: Path) -> None:
    body = body_of(file)
    page = await api(file).uploads("UU")
    assert page is not None
    assert page.next == body.get("nextPageToken")
    assert all(VIDEO_ID.fullmatch(one.video_id) for one in page.uploads)
    parts = [(item.get("contentDetails", {}), item.get("snippet", {}).get("resourceId", {})) for item in body["items"]]
    named = [item for item in parts if any(part.get("videoId") for part in item)]
    assert len(page.uploads) == len(named)
    assert all(one.hidden or one.published for one in page.uploads)


async def test_a_channel_without_a_list_of_uploads_has_none() -> None:
    assert await api(ROOT / "youtube/errors/404.playlistNotFound.http.json").uploads("UU") is None


@pytest.mark.parametrize("file", recordings("rss/youtube", "*.xml"), ids=name)
def test_a_feed_is_read(file: Path) -> None:
    entries = parse(file.read_bytes())
    assert len(entries) == file.read_bytes().count(b"<entry>")
    assert all(one.title and one.published < one.updated for one in entries)


@pytest.mark.parametrize("file", [*recordings("rss/hostile", "*laughs*"), *recordings("rss/hostile", "xxe*")], ids=name)
def test_a_feed_with_entities_is_refused(file: Path) -> None:
    with pytest.raises(FeedError):
        parse(file.read_bytes())
