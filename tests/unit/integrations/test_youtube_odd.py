"""What is odd in a channel's listings costs only itself, and what was provisional is read anew by the next sync."""

from datetime import timedelta
from typing import Any

import pytest

from integrations.base import SyncResult
from integrations.credentials import Credentials
from integrations.registry import IntegrationSettings
from integrations.youtube.client import YouTubeClient
from integrations.youtube.sync import UNREADABLE
from tests.unit.integrations.answers import Json, World, reply
from tests.unit.integrations.channel import FakeChannel, video_id

DAY = timedelta(days=1)
UPCOMING: Json = {
    "snippet": {"liveBroadcastContent": "upcoming"}, "contentDetails": {"duration": "P0D"},
    "liveStreamingDetails": {"scheduledStartTime": "2031-05-01T18:00:00Z"},
}  # fmt: skip


def facts(result: SyncResult) -> dict[int, tuple[Any, Any]]:
    numbers = [int(item.external_id.removeprefix("video")) for item in result.items]
    states = [(item.metadata["live"], item.metadata["duration"]) for item in result.items]
    return dict(zip(numbers, states, strict=True))


@pytest.fixture
def channel() -> FakeChannel:
    channel = FakeChannel()
    channel.upload(1, 2, 3, 4)
    return channel


async def test_a_video_without_a_title_sinks_nothing(channel: FakeChannel) -> None:
    channel.titles |= {2: "", 3: "\u202e"}
    result = await channel.sync()
    assert [item.title for item in result.items] == ["Video 4", "Untitled video", "Untitled video", "Video 1"]
    assert not result.skipped


@pytest.mark.parametrize(
    "parts",
    [{"snippet": None}, {"snippet": []}, {"snippet": "a title"}],
)
async def test_a_video_that_cannot_be_read_is_skipped_with_its_reason(channel: FakeChannel, parts: Json) -> None:
    channel.parts = {3: parts}
    result = await channel.sync()
    assert [*facts(result)] == [4, 2, 1]
    assert [(one.external_id, one.title, one.reason) for one in result.skipped] == [
        (video_id(3), "Video 3", UNREADABLE)
    ]
    channel.parts = {}
    channel.now += 8 * DAY
    assert 3 in facts(await channel.sync()), "once it can be read"


async def test_a_known_video_that_cannot_be_read_is_not_gone(channel: FakeChannel) -> None:
    await channel.sync()
    channel.parts, channel.now = {3: {"snippet": None}}, channel.now + 8 * DAY
    result = await channel.sync()
    assert ([*facts(result)], result.standings) == ([1, 2, 4], ())


@pytest.mark.parametrize("feed", [200, 404])
@pytest.mark.parametrize("time", ["zzzz", "9999-12-31T00:00:00Z", "9999-99-99T99:99:99Z"])
async def test_a_video_of_no_time_hides_none_that_come_after_it(channel: FakeChannel, feed: int, time: str) -> None:
    channel.feed, channel.times = feed, {4: time}
    await channel.sync()
    channel.upload(5, 6)
    assert [*facts(await channel.sync())] == [6, 5]


async def test_a_channel_without_a_title_goes_by_its_handle(channel: FakeChannel) -> None:
    channel.untitled = True
    result = await channel.sync()
    assert (result.display_name, len(result.items)) == ("@somebody", 4)


async def test_entries_that_name_no_video_are_left_out() -> None:
    entries: list[Any] = [
        None, 7, [], {}, {"contentDetails": {"videoId": "short"}}, {"contentDetails": []},
        {"contentDetails": {"videoId": video_id(1), "videoPublishedAt": "2020-01-02T00:00:00Z"}},
        {"snippet": {"resourceId": {"videoId": video_id(2)}, "publishedAt": "2020-01-01T00:00:00Z"}},
        {"contentDetails": {"videoId": video_id(3), "videoPublishedAt": "2020-01-01T00:00:00Z"}, "snippet": "odd"},
    ]  # fmt: skip
    answer = {"kind": "youtube#playlistItemListResponse", "items": entries}
    world = World({"/youtube/v3/playlistItems": reply(body=answer)})
    api = YouTubeClient(IntegrationSettings.model_validate({"youtube_api_key": "k"}), world.http, Credentials())
    page = await api.uploads("UU")
    assert page
    assert [(one.video_id, one.hidden) for one in page.uploads] == [(video_id(number), "") for number in (1, 2, 3)]


async def test_a_premiere_is_read_anew_until_it_is_over(channel: FakeChannel) -> None:
    channel.parts = {4: UPCOMING}
    assert facts(await channel.sync())[4] == ("upcoming", None)
    assert facts(await next_day(channel)) == {}, "what has only been viewed is no news"
    begun = {"liveStreamingDetails": {"actualStartTime": "2031-05-01T18:00:21Z"}}
    assert facts(await next_day(channel, UPCOMING | begun)) == {4: ("live", None)}
    assert facts(await next_day(channel)) == {}
    ended = {"liveStreamingDetails": {"actualEndTime": (channel.now + DAY / 2).isoformat()}}
    over = {"snippet": {"liveBroadcastContent": "none"}, "contentDetails": {"duration": "PT58M"}, **ended}
    assert facts(await next_day(channel, over)) == {4: ("completed", "PT58M")}


async def next_day(channel: FakeChannel, parts: Json | None = None) -> SyncResult:
    channel.now, channel.views = channel.now + DAY, channel.views + 1
    channel.parts = {4: parts} if parts else channel.parts
    result = await channel.sync()
    assert channel.calls == {"videos.xml": 1, "videos": 1}
    return result


async def test_what_has_just_ended_is_read_once_more_and_then_rests(channel: FakeChannel) -> None:
    ended = (channel.now - timedelta(hours=2)).isoformat()
    over: Json = {"liveStreamingDetails": {"actualEndTime": ended}, "contentDetails": {"duration": "PT2H"}}
    channel.parts = {4: over}
    assert facts(await channel.sync())[4] == ("completed", "PT2H")
    channel.parts, channel.now = {4: over | {"contentDetails": {"duration": "PT1H58M"}}}, channel.now + DAY
    assert facts(await channel.sync()) == {4: ("completed", "PT1H58M")}, "its beginning was cut off"
    channel.now += DAY
    assert facts(await channel.sync()) == {}
    assert channel.units == 0


async def test_a_stream_that_vanished_is_gone_at_the_next_sync(channel: FakeChannel) -> None:
    channel.parts = {4: UPCOMING}
    await channel.sync()
    channel.deleted = {4}
    result = await channel.sync()
    assert [(one.url.rpartition("=")[2], one.state) for one in result.standings] == [(video_id(4), "gone")]
    assert (await channel.sync()).standings == ()


async def test_a_provisional_video_that_cannot_be_read_is_asked_for_again(channel: FakeChannel) -> None:
    channel.parts = {4: UPCOMING}
    await channel.sync()
    channel.parts = {4: {"snippet": None}}
    assert (await channel.sync()).standings == ()
    channel.parts = {}
    assert facts(await channel.sync()) == {4: ("none", "PT3M33S")}


async def test_however_many_are_announced_a_sync_costs_one_unit_more(channel: FakeChannel) -> None:
    channel.upload(*range(5, 205))
    channel.parts = dict.fromkeys(range(1, 205), UPCOMING)
    await channel.sync(200)
    assert (await channel.sync()).items == ()
    assert channel.calls == {"videos.xml": 1, "videos": 1}
