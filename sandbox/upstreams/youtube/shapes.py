"""YouTube's JSON, part by part. https://developers.google.com/youtube/v3/docs/videos#resource"""

import re
from typing import Any

from sandbox.data.model import Channel, Video

VIDEO_PARTS = frozenset(
    {"id", "snippet", "contentDetails", "status", "statistics", "player", "topicDetails", "liveStreamingDetails"}
)
STATS_PARTS = frozenset({"id", "snippet", "contentDetails", "statistics"})
CHANNEL_PARTS = frozenset({"id", "snippet", "contentDetails", "statistics", "status"})
THUMBNAILS = {  # name: (file, width, height)
    "default": ("default.jpg", 120, 90),
    "medium": ("mqdefault.jpg", 320, 180),
    "high": ("hqdefault.jpg", 480, 360),
    "standard": ("sddefault.jpg", 640, 480),
    "maxres": ("maxresdefault.jpg", 1280, 720),
}


def video(found: Video, parts: frozenset[str], base: str) -> dict[str, Any]:
    """Only the parts asked for; a part that the video has no data for is left out, as are hidden numbers."""
    body: dict[str, Any] = {"kind": "youtube#video", "etag": "", "id": found.id}
    if "snippet" in parts:
        body["snippet"] = _snippet(found, base)
    if "contentDetails" in parts:
        body["contentDetails"] = {
            "duration": found.duration,
            "dimension": "2d",
            "definition": "hd",
            "caption": "false",
            "licensedContent": False,
            "contentRating": {"ytRating": "ytAgeRestricted"} if found.age_restricted else {},
            "projection": "rectangular",
        }
    if "status" in parts:
        body["status"] = {
            "uploadStatus": "uploaded" if found.broadcast == "upcoming" else "processed",
            "privacyStatus": found.privacy,
            "license": "youtube",
            "embeddable": found.embeddable,
            "publicStatsViewable": found.views is not None,
            "madeForKids": False,
        }
    if "statistics" in parts:
        counts = {
            "viewCount": found.views,
            "likeCount": found.likes,
            "favoriteCount": 0,
            "commentCount": found.comments,
        }
        body["statistics"] = {name: str(value) for name, value in counts.items() if value is not None}
    if "player" in parts:
        frame = f'<iframe width="480" height="270" src="//www.youtube.com/embed/{found.id}" allowfullscreen></iframe>'
        body["player"] = {"embedHtml": frame}
    if "topicDetails" in parts:
        body["topicDetails"] = {"topicCategories": ["https://en.wikipedia.org/wiki/Technology"]}
    if "liveStreamingDetails" in parts and found.live:
        body["liveStreamingDetails"] = dict(found.live)
    return body


def _snippet(found: Video, base: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "publishedAt": found.published,
        "channelId": found.channel.id,
        "title": found.title,
        "description": found.description,
        "thumbnails": thumbnails(found, base),
        "channelTitle": found.channel.title,
    }
    if found.tags:
        body["tags"] = list(found.tags)
    body |= {"categoryId": found.category, "liveBroadcastContent": found.broadcast}
    body["localized"] = {"title": found.title, "description": found.description}
    if found.language:
        body["defaultAudioLanguage"] = found.language
    return body


def thumbnails(found: Video, base: str) -> dict[str, Any]:
    sizes = {name: THUMBNAILS[name] for name in found.thumbnails}
    return {name: {"url": f"{base}/vi/{found.id}/{f}", "width": w, "height": h} for name, (f, w, h) in sizes.items()}


def stats(found: Video, parts: frozenset[str]) -> dict[str, Any]:
    """The few fields of videos.batchGetStats. https://developers.google.com/youtube/v3/docs/videos/batchGetStats"""
    body: dict[str, Any] = {"kind": "youtube#videoStats", "etag": "", "id": found.id}
    if "snippet" in parts:
        body["snippet"] = {"publishTime": found.published}
    if "statistics" in parts:
        counts = {"viewCount": found.views, "likeCount": found.likes, "commentCount": found.comments}
        body["statistics"] = {name: str(value) for name, value in counts.items() if value is not None}
    if "contentDetails" in parts:
        body["contentDetails"] = {"duration": f"{_seconds(found.duration)}s"}
    return body


def _seconds(duration: str) -> int:
    """Of P1DT2H10M10S and its like."""
    units = {"D": 86_400, "H": 3_600, "M": 60, "S": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([DHMS])", duration))


def channel(found: Channel, videos: int, parts: frozenset[str], base: str) -> dict[str, Any]:
    """`videos` is how many of its videos the public sees."""
    body: dict[str, Any] = {"kind": "youtube#channel", "etag": "", "id": found.id}
    if "snippet" in parts:
        sizes = {"default": 88, "medium": 240, "high": 800}
        pictures = {
            name: {"url": f"{base}/vi/{found.id}/{name}.jpg", "width": s, "height": s} for name, s in sizes.items()
        }
        body["snippet"] = {
            "title": found.title,
            "description": found.description,
            "customUrl": f"@{found.handle}",
            "publishedAt": "2019-06-01T12:00:00Z",
            "thumbnails": pictures,
            "localized": {"title": found.title, "description": found.description},
            "country": found.country,
        }
    if "contentDetails" in parts:
        body["contentDetails"] = {"relatedPlaylists": {"likes": "", "uploads": f"UU{found.id[2:]}"}}
    if "statistics" in parts:
        body["statistics"] = {
            "viewCount": str(found.subscribers * 210),
            "subscriberCount": str(found.subscribers),
            "hiddenSubscriberCount": False,
            "videoCount": str(videos),
        }
    if "status" in parts:
        body["status"] = {"privacyStatus": "public", "isLinked": True, "longUploadsStatus": "longUploadsUnspecified"}
    return body
