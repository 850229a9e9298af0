"""A video of YouTube's as an item. https://developers.google.com/youtube/v3/docs/videos#resource"""

import re
from typing import Any

from integrations.coerce import as_dict, as_int, as_line, as_list, as_tags, as_text, as_title
from integrations.responses import malformed_response
from integrations.youtube.limits import TITLE
from integrations.youtube.live_states import duration, is_age_restricted, live, plays_elsewhere
from integrations.youtube.urls import VIDEO_ID, watch_url
from kit.text.plain import as_markdown
from schemas.content import MAX_TEXT_CHARS, Item, Video

INTEGRATION = "youtube"
PARTS = "snippet,contentDetails,statistics,status,liveStreamingDetails"
UNTITLED = "Untitled video"
THUMBNAILS = ("maxres", "standard", "high", "medium", "default")  # best first
MAX_DESCRIPTION_CHARS = 500
MAX_DESCRIPTION_READ = 20_000  # YouTube allows 5,000 bytes


def to_item(video: dict[str, Any]) -> Item:
    """From an entry of `GET /videos` that has the `PARTS`. Raises UpstreamUnavailableError where it is none."""
    video_id = as_line(video.get("id"), 20)
    snippet = as_dict(video.get("snippet"))
    if not snippet or not VIDEO_ID.fullmatch(video_id):
        raise malformed_response(TITLE)
    title = as_title(snippet.get("title")) or UNTITLED
    statistics = as_dict(video.get("statistics"))
    description = as_text(snippet.get("description"), MAX_DESCRIPTION_READ).strip("\n")
    return Item(
        integration=INTEGRATION,
        external_id=video_id,
        url=watch_url(video_id),
        kind="video",
        title=title,
        full_name=title,
        description=description[:MAX_DESCRIPTION_CHARS].strip(),
        text=as_markdown(description)[:MAX_TEXT_CHARS],
        topics=as_tags(as_list(snippet.get("tags"))),
        image_url=best_thumbnail(snippet),
        picture_as="featured",
        description_by="author",
        video=Video(provider=INTEGRATION, video_id=video_id, embeddable=plays_elsewhere(video)),
        is_private=as_dict(video.get("status")).get("privacyStatus") == "private",
        metadata={
            "youtube_video_id": video_id,
            "view_count": as_int(statistics.get("viewCount")),
            "like_count": as_int(statistics.get("likeCount")),
            "published_at": as_line(snippet.get("publishedAt"), 40) or None,
            "duration": duration(video),
            "channel_id": as_line(snippet.get("channelId"), 100) or None,
            "channel_title": as_line(snippet.get("channelTitle")) or None,
            "live": live(video),
            "embeddable": plays_elsewhere(video),
            "age_restricted": is_age_restricted(video),
        },
    )


def best_thumbnail(snippet: dict[str, Any]) -> str | None:
    thumbnails = as_dict(snippet.get("thumbnails"))
    urls = (as_line(as_dict(thumbnails.get(size)).get("url"), 2_048) for size in THUMBNAILS)
    return next((url for url in urls if re.fullmatch(r"https?://\S+", url)), None)
