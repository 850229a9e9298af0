"""A video of YouTube's as an item. https://developers.google.com/youtube/v3/docs/videos#resource"""

import re
from typing import Any

from integrations.base import nonsense
from integrations.clean import as_dict, as_int, as_line, as_list, as_tags, as_text
from integrations.markdown import escape
from integrations.youtube_limits import TITLE
from integrations.youtube_names import VIDEO_ID, watch_url
from schemas.content import MAX_TEXT_CHARS, Item, Video

INTEGRATION = "youtube"
PARTS = "snippet,contentDetails,statistics,status,liveStreamingDetails"
THUMBNAILS = ("maxres", "standard", "high", "medium", "default")  # best first
MAX_DESCRIPTION_CHARS = 500


def to_item(video: dict[str, Any]) -> Item:
    """From an entry of `GET /videos` that has the `PARTS`. Raises UpstreamUnavailableError where it is none."""
    video_id = as_line(video.get("id"), 20)
    snippet, live = as_dict(video.get("snippet")), as_dict(video.get("liveStreamingDetails"))
    title = as_line(snippet.get("title"))
    if not title or not VIDEO_ID.fullmatch(video_id):
        raise nonsense(TITLE)
    broadcast = "completed" if live.get("actualEndTime") else as_line(snippet.get("liveBroadcastContent"), 20)
    duration = as_line(as_dict(video.get("contentDetails")).get("duration"), 40)
    statistics = as_dict(video.get("statistics"))
    description = as_text(snippet.get("description")).strip()
    return Item(
        integration=INTEGRATION,
        external_id=video_id,
        url=watch_url(video_id),
        kind="video",
        title=title,
        full_name=title,
        description=description[:MAX_DESCRIPTION_CHARS].strip(),
        text=escape(description)[:MAX_TEXT_CHARS],
        topics=as_tags(as_list(snippet.get("tags"))),
        image_url=best_thumbnail(snippet),
        video=Video(provider=INTEGRATION, video_id=video_id),
        is_private=as_dict(video.get("status")).get("privacyStatus") == "private",
        metadata={
            "youtube_video_id": video_id,
            "view_count": as_int(statistics.get("viewCount")),
            "like_count": as_int(statistics.get("likeCount")),
            "published_at": as_line(snippet.get("publishedAt"), 40) or None,
            "duration": duration if duration not in ("", "P0D") else None,  # a stream has none yet
            "channel_id": as_line(snippet.get("channelId"), 100) or None,
            "channel_title": as_line(snippet.get("channelTitle")) or None,
            "live": broadcast or "none",
        },
    )


def best_thumbnail(snippet: dict[str, Any]) -> str | None:
    thumbnails = as_dict(snippet.get("thumbnails"))
    urls = (as_line(as_dict(thumbnails.get(size)).get("url"), 2_048) for size in THUMBNAILS)
    return next((url for url in urls if re.fullmatch(r"https?://\S+", url)), None)
