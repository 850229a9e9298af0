"""What of a video can still change by itself, and where it plays.

https://developers.google.com/youtube/v3/docs/videos#resource
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.coerce import as_dict, as_line

LIVE = frozenset({"none", "upcoming", "live", "completed"})
JUST_ENDED = timedelta(days=1)  # its recording may still be cut
PROCESSED = timedelta(days=7)  # by then a recording or an upload has its duration, or never gets one
NO_DURATION = frozenset({"", "P0D"})
UNPLAYABLE = frozenset({"failed", "rejected", "deleted"})


def duration(video: dict[str, Any]) -> str | None:
    """ISO 8601. None of what is on air or not processed yet."""
    told = as_line(as_dict(video.get("contentDetails")).get("duration"), 40)
    return None if told in NO_DURATION else told


def live(video: dict[str, Any]) -> str:
    """`upcoming`, `live`, `completed`, or `none` of what is no broadcast. The times tell it sooner than the word."""
    times = as_dict(video.get("liveStreamingDetails"))
    told = as_line(as_dict(video.get("snippet")).get("liveBroadcastContent"), 20)
    if times.get("actualEndTime"):
        return "completed"
    if times.get("actualStartTime"):
        return "completed" if told == "none" and duration(video) else "live"
    return told if told in LIVE else "none"


def is_provisional(video: dict[str, Any], now: datetime) -> bool:
    """Whether the next sync may find another state or duration, although nobody has changed anything."""
    match live(video):
        case "upcoming" | "live":
            return True
        case "completed":
            ended = as_dict(video.get("liveStreamingDetails")).get("actualEndTime")
            return _is_younger(ended, JUST_ENDED if duration(video) else PROCESSED, now)
    status, content = as_dict(video.get("status")), as_dict(video.get("contentDetails"))
    unfinished = status.get("uploadStatus") == "uploaded" or content.get("duration") == "P0D"
    return unfinished and _is_younger(as_dict(video.get("snippet")).get("publishedAt"), PROCESSED, now)


def is_age_restricted(video: dict[str, Any]) -> bool:
    rating = as_dict(as_dict(video.get("contentDetails")).get("contentRating"))
    return rating.get("ytRating") == "ytAgeRestricted"


def plays_elsewhere(video: dict[str, Any]) -> bool:
    """Whether YouTube's player shows it on other sites, somewhere at least."""
    status = as_dict(video.get("status"))
    allowed = as_dict(as_dict(video.get("contentDetails")).get("regionRestriction")).get("allowed")
    return not (
        status.get("embeddable") is False
        or status.get("privacyStatus") == "private"
        or status.get("uploadStatus") in UNPLAYABLE
        or is_age_restricted(video)
        or allowed == []
    )


def _is_younger(at: Any, age: timedelta, now: datetime) -> bool:
    try:
        then = datetime.fromisoformat(as_line(at, 40))
    except ValueError:
        return False
    return now - (then if then.tzinfo else then.replace(tzinfo=UTC)) < age
