"""The sandbox's feeds and pushes are made like YouTube's, as they were recorded."""

import xml.etree.ElementTree as ET

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.data.uploads import LIGHTHOUSE
from sandbox.data.videos import VIDEOS
from sandbox.upstreams.youtube import feeds
from tests.contract.sandbox.conftest import Recordings

Shape = set[tuple[str, frozenset[str]]]


def _shape(element: ET.Element, above: str = "") -> Shape:
    """Every path of elements with its attributes, and no text."""
    path = f"{above}/{element.tag}"
    found: Shape = {(path, frozenset(element.attrib))}
    return found.union(*(_shape(child, path) for child in element))


def _recorded(recordings: Recordings, name: str) -> ET.Element:
    return ET.fromstring((recordings.folder / name).read_bytes().strip())  # noqa: S314


async def test_feed_has_the_elements_of_a_recorded_one(
    sandbox: SandboxClient, http: aiohttp.ClientSession, recordings: Recordings
) -> None:
    query = {"channel_id": LIGHTHOUSE.id}
    async with http.get(f"{sandbox.environment['YOUTUBE_FEEDS_URL']}/videos.xml", params=query) as response:
        feed = ET.fromstring(await response.read())  # noqa: S314
    assert _shape(feed) == _shape(_recorded(recordings, "rss/youtube/feedjira.youtube_atom.xml"))


@pytest.mark.parametrize("example", ["new-video.official-example", "update-same-video"])
def test_push_has_the_elements_of_the_official_example(recordings: Recordings, example: str) -> None:
    recorded = _shape(_recorded(recordings, f"youtube/websub/{example}.xml"))
    for video in VIDEOS:
        assert _shape(ET.fromstring(feeds.notification(video))) == recorded  # noqa: S314


def test_deletion_has_the_elements_of_a_recorded_one(recordings: Recordings) -> None:
    recorded = _shape(_recorded(recordings, "youtube/websub/deleted-video.xml"))
    assert _shape(ET.fromstring(feeds.deletion(VIDEOS[0]))) == recorded  # noqa: S314
