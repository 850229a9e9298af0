"""Looks at a channel: what they find, and what they cost."""

from datetime import timedelta
from math import ceil

import pytest
from bson import BSON

from integrations.base import Ref, SyncResult
from integrations.credentials import Credentials
from integrations.registry import IntegrationSettings, build_registry
from integrations.youtube.channels import Channels
from kit.errors import ContentNotFoundError, InvalidURLError
from tests.unit.integrations.channel import ID, URL, FakeChannel, video_id

LATER = 3_000  # published after every sync


def numbers(result: SyncResult) -> list[int]:
    return [int(item.external_id.removeprefix("video")) for item in result.items]


def standings(result: SyncResult) -> dict[int, str]:
    return {int(one.url.partition("=video")[2]): one.state for one in result.standings}


@pytest.fixture
def channel() -> FakeChannel:
    """With 300 uploads, of which nothing is known."""
    channel = FakeChannel()
    channel.upload(*range(1, 301))
    return channel


async def test_the_first_sync_brings_the_latest_fifty_for_three_units(channel: FakeChannel) -> None:
    result = await channel.sync()
    assert numbers(result) == [*range(300, 250, -1)]
    assert channel.calls == {"channels": 1, "playlistItems": 1, "videos": 1}
    assert result.display_name == "Somebody"
    assert result.metadata == {
        "channel_id": ID, "channel_name": "Somebody", "subscriber_count": 1234, "image_url": None,
        "total_videos_imported": 50,
    }  # fmt: skip


async def test_the_first_sync_brings_no_more_than_was_asked_for(channel: FakeChannel) -> None:
    assert numbers(await channel.sync(3)) == [300, 299, 298]
    result = await channel.sync(3)
    assert numbers(result) == [], "older ones were left out on purpose"
    assert channel.units == 0
    assert numbers(await FakeChannel(channel.titles).sync(120)) == [*range(300, 180, -1)]


@pytest.mark.parametrize("wanted", [50, 120])
async def test_pages_with_more_than_was_asked_for_are_cut(channel: FakeChannel, wanted: int) -> None:
    channel.overfull = 20
    result = await channel.sync(wanted)
    assert len(result.items) == wanted
    assert channel.calls["videos"] == ceil(wanted / 50)


async def test_a_page_with_more_than_was_asked_for_is_cut_when_a_sync_catches_up(channel: FakeChannel) -> None:
    await channel.sync()
    channel.feed, channel.overfull = 404, 5_000
    channel.upload(*range(301, 431))
    await channel.sync()
    assert channel.calls["videos"] <= channel.calls["playlistItems"]


async def test_a_short_page_costs_no_further_unit(channel: FakeChannel) -> None:
    channel.omitted = {299, 298}
    assert len((await channel.sync()).items) == 48
    assert channel.units == 3


async def test_what_is_private_or_deleted_is_skipped_with_its_reason(channel: FakeChannel) -> None:
    channel.private, channel.deleted = {300}, {298}
    result = await channel.sync(5)
    assert numbers(result) == [299, 297, 296]
    assert [(one.external_id, one.reason) for one in result.skipped] == [
        (video_id(300), "This video is private."),
        (video_id(298), "This video was deleted."),
    ]
    assert ["imported automatically" in one.suggestion for one in result.skipped] == [True, False]
    assert result.metadata["total_videos_imported"] == 3


async def test_an_unchanged_channel_costs_nothing(channel: FakeChannel) -> None:
    await channel.sync()
    result = await channel.sync()
    assert (result.items, result.skipped, result.standings) == ((), (), ())
    assert channel.calls == {"videos.xml": 1}
    assert result.metadata["total_videos_imported"] == 50
    assert len(BSON.encode({"cursor": result.cursor})) < 4_096


async def test_new_uploads_that_the_feed_shows_cost_one_unit(channel: FakeChannel) -> None:
    await channel.sync()
    channel.upload(301, 302)
    result = await channel.sync()
    assert numbers(result) == [302, 301]
    assert channel.calls == {"videos.xml": 1, "videos": 1}
    assert result.metadata["total_videos_imported"] == 52


async def test_all_that_was_missed_is_brought_up_to_the_first_known_page(channel: FakeChannel) -> None:
    await channel.sync()
    channel.upload(*range(301, 431))
    result = await channel.sync()
    assert numbers(result) == [*range(430, 300, -1)]
    assert channel.calls == {"videos.xml": 1, "playlistItems": 3, "videos": 3}


@pytest.mark.parametrize("status", [404, 403, 500])
async def test_a_feed_that_fails_is_replaced_by_one_page_of_uploads(channel: FakeChannel, status: int) -> None:
    await channel.sync()
    channel.feed = status
    result = await channel.sync()
    assert (result.items, result.standings) == ((), ())
    assert channel.units == channel.calls["playlistItems"] == 1


async def test_an_empty_feed_says_nothing_of_its_channel(channel: FakeChannel) -> None:
    await channel.sync(3)
    channel.private = set(channel.titles)
    result = await channel.sync()
    assert standings(result) == dict.fromkeys((300, 299, 298), "private")
    assert channel.calls == {"videos.xml": 1, "playlistItems": 1, "videos": 1}


async def test_a_channel_that_lost_all_that_is_known_does_not_bring_the_old(channel: FakeChannel) -> None:
    await channel.sync(2)
    del channel.titles[300], channel.titles[299]
    result = await channel.sync()
    assert numbers(result) == []
    assert standings(result) == {300: "gone", 299: "gone"}


async def test_a_hidden_video_is_brought_when_it_can_be_seen(channel: FakeChannel) -> None:
    channel.private = {298}
    await channel.sync(5)
    channel.private = set()
    assert numbers(await channel.sync()) == [298]
    assert numbers(await channel.sync()) == []


@pytest.mark.parametrize("how", ["private", "unlisted"])
async def test_a_hidden_video_that_no_feed_reaches_is_brought_within_a_week(channel: FakeChannel, how: str) -> None:
    setattr(channel, how, {260})
    await channel.sync()
    channel.now += timedelta(days=7)
    assert 260 not in numbers(await channel.sync())
    setattr(channel, how, set())
    channel.now += timedelta(days=7)
    result = await channel.sync()
    assert 260 in numbers(result)
    assert channel.calls == {"videos.xml": 1, "channels": 1, "videos": 2}
    assert result.metadata["total_videos_imported"] == 50
    channel.now += timedelta(days=7)
    await channel.sync()
    assert channel.calls["videos"] == 1, "none is left to wait for"


async def test_a_deleted_video_is_not_waited_for(channel: FakeChannel) -> None:
    channel.deleted = {260}
    await channel.sync()
    channel.now += timedelta(days=7)
    await channel.sync()
    assert channel.calls["videos"] == 1


async def test_another_title_is_seen_at_once(channel: FakeChannel) -> None:
    await channel.sync()
    channel.titles[295] = "A better title"
    result = await channel.sync()
    assert [item.title for item in result.items] == ["A better title"]
    assert channel.units == 1
    assert (await channel.sync()).items == ()


async def test_a_recent_video_that_is_gone_or_private_is_noticed_once_and_comes_back(channel: FakeChannel) -> None:
    await channel.sync()
    del channel.titles[300]
    channel.private = {296}
    result = await channel.sync()
    assert standings(result) == {300: "gone", 296: "private"}
    assert channel.calls == {"videos.xml": 1, "videos": 1, "playlistItems": 1}
    assert (await channel.sync()).standings == ()
    assert channel.units == 0

    channel.private = set()
    channel.upload(300)
    result = await channel.sync()
    assert standings(result) == {300: "there", 296: "there"}
    assert numbers(result) == [300, 296]


async def test_known_videos_are_read_anew_once_a_week_in_batches_of_fifty(channel: FakeChannel) -> None:
    await channel.sync(120)
    channel.views = 9
    del channel.titles[190]
    channel.now += timedelta(days=6, hours=23)
    await channel.sync()
    assert channel.units == 0
    channel.now += timedelta(hours=1)
    result = await channel.sync()
    assert len(result.items) == 119
    assert {item.metadata["view_count"] for item in result.items} == {9}
    assert standings(result) == {190: "gone"}
    assert result.metadata["subscriber_count"] == 1234
    assert channel.calls == {"videos.xml": 1, "channels": 1, "videos": 3, "playlistItems": 1}
    channel.now += timedelta(days=1)
    await channel.sync()
    assert channel.units == 0


async def test_a_channel_that_is_gone_is_told_from_one_without_videos(channel: FakeChannel) -> None:
    await channel.sync()
    channel.titles = {}
    result = await channel.sync()
    assert result.items == ()
    channel.exists = False
    with pytest.raises(ContentNotFoundError):
        await channel.sync()


async def test_a_channel_without_videos_brings_its_first_one() -> None:
    channel = FakeChannel()
    assert (await channel.sync()).items == ()
    channel.upload(LATER)
    assert numbers(await channel.sync()) == [LATER]


async def test_there_is_no_first_sync_of_what_is_not_there() -> None:
    with pytest.raises(ContentNotFoundError):
        await FakeChannel(exists=False).sync()


@pytest.mark.parametrize(
    ("text", "units"), [(ID, 0), (URL, 0), ("@Somebody", 1), ("https://youtube.com/c/Somebody", 1)]
)
async def test_a_name_is_found_for_a_unit_and_an_id_for_none(channel: FakeChannel, text: str, units: int) -> None:
    channels = Channels(IntegrationSettings.model_validate({"youtube_api_key": "k"}))
    found = await channels.find(text, channel.http, Credentials())
    assert (found.url, channel.units) == (URL, units)
    assert found.metadata["channel_id"] == ID


async def test_whoever_has_to_know_asks_for_an_id_too(channel: FakeChannel) -> None:
    channels = Channels(IntegrationSettings.model_validate({"youtube_api_key": "k"}))
    assert ((await channels.find(ID, channel.http, Credentials(), must_exist=True)).title, channel.units) == (
        "Somebody",
        1,
    )
    with pytest.raises(ContentNotFoundError):
        await channels.find("UCmistypedMistypedMist01", channel.http, Credentials(), must_exist=True)


@pytest.mark.parametrize("text", ["@nobody", "https://youtube.com/user/nobody", "https://www.youtube.com/c/nobody"])
async def test_a_name_that_nobody_has_is_refused_with_a_hint(channel: FakeChannel, text: str) -> None:
    channels = Channels(IntegrationSettings.model_validate({"youtube_api_key": "k"}))
    with pytest.raises(ContentNotFoundError) as caught:
        await channels.find(text, channel.http, Credentials())
    assert "handle" in caught.value.suggestion


def test_only_an_id_makes_the_link_of_a_source() -> None:
    registry = build_registry(IntegrationSettings.model_validate({}))
    assert registry.recognise_source(f"http://m.youtube.com/channel/{ID}/videos?x=1").ref == Ref(
        URL, ID, is_collection=True
    )
    assert registry.recognise_source("youtu.be/dQw4w9WgXcQ").url == "https://youtube.com/watch?v=dQw4w9WgXcQ"
    for url in ("https://www.youtube.com/@somebody", "https://youtube.com/feed/trending", "https://evil.tld"):
        with pytest.raises(InvalidURLError):
            registry.recognise_source(url)


async def test_a_channel_that_was_all_hidden_is_brought_when_it_is_shown(channel: FakeChannel) -> None:
    channel.private = {300, 299}
    result = await channel.sync(2)
    assert (result.items, len(result.skipped)) == ((), 2)
    channel.private = set()
    assert numbers(await channel.sync()) == [300, 299]


async def test_a_first_upload_that_cannot_be_read_yet_is_not_forgotten(channel: FakeChannel) -> None:
    only = FakeChannel({1: "The first"}, unready={1})
    result = await only.sync()
    assert [(one.external_id, one.reason) for one in result.skipped] == [
        (video_id(1), "YouTube does not show this video.")
    ]
    only.unready = set()
    assert numbers(await only.sync()) == [1]


async def test_an_unlisted_video_is_nobodys_to_show(channel: FakeChannel) -> None:
    channel.unlisted = {300}
    result = await channel.sync(2)
    assert numbers(result) == [299]
    assert [one.reason for one in result.skipped] == ["This video is unlisted."]
    channel.now += timedelta(days=7)
    assert numbers(await channel.sync()) == [299]
