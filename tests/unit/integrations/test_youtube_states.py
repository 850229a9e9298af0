"""What of a video can still change by itself, and whether it plays on other sites."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from integrations.youtube.live_states import is_provisional
from integrations.youtube.mapping import to_item
from tests.unit.integrations.answers import NOW, Json, video

SOON, SINCE = "2031-05-01T18:00:00Z", "2031-05-01T18:00:21Z"


def made(said: str = "none", length: str | None = "PT9M", **parts: Any) -> Json:
    (one,) = video(contentDetails={"duration": length} if length else {}, **parts)["items"]
    one["snippet"]["liveBroadcastContent"] = said
    return dict(one)


def ago(age: timedelta) -> str:
    return (NOW - age).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("said", "length", "times", "live"),
    [
        ("none", "PT9M", {}, "none"),
        ("upcoming", "P0D", {"scheduledStartTime": SOON}, "upcoming"),
        ("upcoming", "P0D", {"scheduledStartTime": SOON, "actualStartTime": SINCE}, "live"),
        ("live", "P0D", {"actualStartTime": SINCE}, "live"),
        ("live", "P0D", {}, "live"),
        ("none", "P0D", {"actualStartTime": SINCE}, "live"),
        ("none", "PT9M", {"actualStartTime": SINCE}, "completed"),
        ("live", "P0D", {"actualStartTime": SINCE, "actualEndTime": SINCE}, "completed"),
        ("upcoming", None, {"actualEndTime": SINCE}, "completed"),
        ("something new", "PT9M", {}, "none"),
    ],
)
def test_the_times_of_a_broadcast_tell_sooner_than_its_word(
    said: str, length: str | None, times: Json, live: str
) -> None:
    item = to_item(made(said, length, liveStreamingDetails=times))
    assert item.metadata["live"] == live
    assert item.metadata["duration"] == (length if length == "PT9M" else None)


@pytest.mark.parametrize(
    ("parts", "provisional"),
    [
        ({"said": "upcoming", "length": "P0D"}, True),
        ({"said": "live", "length": "P0D"}, True),
        ({"liveStreamingDetails": {"actualEndTime": ago(timedelta(hours=3))}}, True),
        ({"liveStreamingDetails": {"actualEndTime": ago(timedelta(hours=30))}}, False),
        ({"length": "P0D", "liveStreamingDetails": {"actualEndTime": ago(timedelta(days=3))}}, True),
        ({"length": "P0D", "liveStreamingDetails": {"actualEndTime": ago(timedelta(days=9))}}, False),
        ({"liveStreamingDetails": {"actualEndTime": "once"}}, False),
        ({"liveStreamingDetails": {"actualEndTime": "9999-99-99"}}, False),
        ({"status": {"uploadStatus": "uploaded"}, "published": timedelta(days=2)}, True),
        ({"status": {"uploadStatus": "uploaded"}, "published": timedelta(days=8)}, False),
        ({"length": "P0D", "published": timedelta(days=1)}, True),
        ({"length": None, "published": timedelta(days=1)}, False),
        ({}, False),
    ],
)
def test_what_may_be_otherwise_by_the_next_sync(parts: dict[str, Any], provisional: bool) -> None:
    published = parts.pop("published", None)
    one = made(**parts)
    if published:
        one["snippet"]["publishedAt"] = ago(published)
    assert is_provisional(one, NOW) is provisional


@pytest.mark.parametrize(
    ("parts", "plays", "restricted"),
    [
        ({}, True, False),
        ({"status": {"embeddable": True, "privacyStatus": "unlisted"}}, True, False),
        ({"status": {"embeddable": False}}, False, False),
        ({"contentDetails": {"contentRating": {"ytRating": "ytAgeRestricted"}}}, False, True),
        ({"contentDetails": {"contentRating": {"mpaaRating": "mpaaR"}}}, True, False),
        ({"contentDetails": {"regionRestriction": {"allowed": []}}}, False, False),
        ({"contentDetails": {"regionRestriction": {"blocked": ["DE"]}}}, True, False),
        ({"status": {"privacyStatus": "private"}}, False, False),
        ({"status": {"uploadStatus": "rejected", "rejectionReason": "copyright"}}, False, False),
    ],
)
def test_what_no_other_site_may_play_is_told(parts: Json, plays: bool, restricted: bool) -> None:
    (one,) = video(**parts)["items"]
    item = to_item(one)
    assert item.video
    assert (item.video.embeddable, item.metadata["embeddable"]) == (plays, plays)
    assert item.metadata["age_restricted"] is restricted


@pytest.mark.parametrize("title", ["", " ", "\u202e", "\u200b\u200d", "\u3164\u115f", "\u2800", "\u0301", None, 7, []])
def test_an_untitled_video_has_a_stand_in(title: Any) -> None:
    one = made()
    one["snippet"]["title"] = title
    item = to_item(one)
    assert (item.title, item.full_name) == ("Untitled video", "Untitled video")


@pytest.mark.parametrize("title", ["🌰", "?", "7", "ก", "\u200dא"])
def test_a_short_title_is_one(title: str) -> None:
    one = made()
    one["snippet"]["title"] = title
    assert to_item(one).title == title


def test_what_is_read_later_may_be_final() -> None:
    ended = made(liveStreamingDetails={"actualEndTime": ago(timedelta(hours=3))})
    assert is_provisional(ended, NOW)
    assert not is_provisional(ended, NOW + timedelta(days=1))
    assert not is_provisional(ended, datetime.max.replace(tzinfo=NOW.tzinfo))
