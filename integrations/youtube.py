"""YouTube videos. https://developers.google.com/youtube/v3/docs/videos/list and …/docs/errors"""

import re
from datetime import datetime
from typing import Any, ClassVar

from integrations.base import Credentials, Integration, nonsense, unexpected
from integrations.clean import as_dict, as_int, as_line, as_list, as_tags, as_text
from integrations.links import WEB, Link, parse
from integrations.markdown import escape
from integrations.settings import IntegrationSettings
from integrations.youtube_limits import TITLE, charge, limited_until, reasons
from kit.errors import (
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    InvalidURLError,
    RateLimitError,
)
from kit.http import Response, Upstream
from schemas.content import MAX_TEXT_CHARS, Item, Video

PARTS = "snippet,contentDetails,statistics,status,liveStreamingDetails"
VIDEO_LIST = "youtube#videoListResponse"
THUMBNAILS = ("maxres", "standard", "high", "medium", "default")  # best first
MAX_DESCRIPTION_CHARS = 500
BAD_KEY = frozenset({"keyinvalid", "keyexpired", "api_key_invalid", "api_key_expired"})  # answered with 400

_VIDEO_ID = re.compile(r"[0-9A-Za-z_-]{11}")
_NOT_VIDEOS = frozenset({"videoseries", "live_stream"})  # eleven characters, but pages below /embed/
_BEFORE_AN_ID = frozenset({"embed", "e", "live", "shorts", "v", "watch"})
_HINTS = {
    "playlist": "Playlists are not imported as a whole. Paste the link of one of the videos.",
    "channel": "This is a channel. Paste the link of one of its videos.",
    "other": "Paste a link like https://youtube.com/watch?v=… with the video's eleven characters.",
}


class YouTube(Integration):
    name = "youtube"
    title = TITLE
    supports_auto_sync = True
    sample_urls: ClassVar = {
        "https://youtube.com/watch?v=dQw4w9WgXcQ": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=42s&list=PL0&pp=ygU": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?feature=share&v=dQw4w9WgXcQ#t=1": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "http://m.youtube.com/watch?v=dQw4w9WgXcQ": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://music.youtube.com/watch?v=dQw4w9WgXcQ&si=x": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "youtube.com/watch/dQw4w9WgXcQ": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtu.be/dQw4w9WgXcQ?si=abc&t=10": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/shorts/dQw4w9WgXcQ": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com/live/dQw4w9WgXcQ?feature=share": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/embed/dQw4w9WgXcQ?rel=0": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/v/dQw4w9WgXcQ": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/e/dQw4w9WgXcQ/": "https://youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube-nocookie.com/embed/-_w4w9WgXc0": "https://youtube.com/watch?v=-_w4w9WgXc0",
    }
    refused_urls = (
        "https://www.youtube.com/",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=tooshort",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQQ",
        "https://www.youtube.com/playlist?list=PLBCF2DAC6FFB574DE",
        "https://www.youtube.com/c/GoogleDevelopers",
        "https://www.youtube.com/@GoogleDevelopers",
        "https://www.youtube.com/@GoogleDevelopers/live",
        "https://www.youtube.com/channel/UC_x5XG1OV2P6uZZ5FSM9Ttw",
        "https://www.youtube.com/user/GoogleDevelopers",
        "https://www.youtube.com/embed/videoseries?list=PLBCF2DAC6FFB574DE",
        "https://www.youtube.com/embed/live_stream?channel=UC_x5XG1OV2P6uZZ5FSM9Ttw",
        "https://www.youtube.com/results?search_query=x&v=dQw4w9WgXcQ",
        "https://www.youtube.com/redirect?q=https://youtu.be/dQw4w9WgXcQ",
        "https://youtu.be/",
        "https://notyoutube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com.evil.tld/watch?v=dQw4w9WgXcQ",
        "https://youtube.com@evil.tld/watch?v=dQw4w9WgXcQ",
        "https://user@youtube.com/watch?v=dQw4w9WgXcQ",
        "https://evil.tld/?u=https://youtu.be/dQw4w9WgXcQ",
        "https://youtube.com:8443/watch?v=dQw4w9WgXcQ",
        "ssh://git@youtube.com/watch/dQw4w9WgXcQ",
    )

    def __init__(self, settings: IntegrationSettings) -> None:
        self._settings = settings

    @property
    def bases(self) -> tuple[str, ...]:
        return (self._settings.youtube_api_url,)

    def owns(self, link: Link) -> bool:
        return any(
            link.host == host or link.host.endswith(f".{host}")
            for host in ("youtube.com", "youtu.be", "youtube-nocookie.com")
        )

    def canonical_url(self, url: str) -> str:
        link = parse(url)
        if not self.owns(link) or link.scheme not in WEB:
            raise InvalidURLError("This is not a link to YouTube.")
        video_id = _video_id(link)
        if not _VIDEO_ID.fullmatch(video_id) or video_id in _NOT_VIDEOS:
            first = link.segments[0] if link.segments else ""
            kind = "playlist" if first == "playlist" or video_id == "videoseries" else "other"
            if first.startswith("@") or first in ("c", "channel", "user"):
                kind = "channel"
            raise InvalidURLError("This link does not lead to a YouTube video.", suggestion=_HINTS[kind])
        return _watch(video_id)

    async def fetch(self, url: str, http: Upstream, credentials: Credentials) -> Item:
        """One request, one unit of quota. The key travels in a header, never in the URL."""
        video_id = self.canonical_url(url).rpartition("=")[2]
        response = await http.get(
            f"{self._settings.youtube_api_url}/videos",
            service=self.title,
            headers=self._authorization(credentials),
            params={"part": PARTS, "id": video_id},
            charge=charge(credentials, self._settings),
        )
        if response.status != 200:
            raise problem(response, http.now())
        return self.to_item(response.json(), video_id)

    def _authorization(self, credentials: Credentials) -> dict[str, str]:
        if credentials.token:
            return {"authorization": f"Bearer {credentials.token.get_secret_value()}"}
        if key := self._settings.youtube_api_key:
            return {"x-goog-api-key": key.get_secret_value()}
        raise _auth("YouTube is not connected.", "Connect YouTube, then retry the import.")

    def to_item(self, answer: Any, video_id: str) -> Item:
        """From `GET /videos`. A missing or private video is a success without items: ContentNotFoundError."""
        answer = as_dict(answer)
        if answer.get("kind") != VIDEO_LIST:
            raise nonsense(self.title)
        videos = [as_dict(item) for item in as_list(answer.get("items"))]
        video = next((item for item in videos if item.get("id") == video_id), None)
        if video is None:
            raise ContentNotFoundError("YouTube has no such video, or it is private.")
        snippet, live = as_dict(video.get("snippet")), as_dict(video.get("liveStreamingDetails"))
        title = as_line(snippet.get("title"))
        if not title:
            raise nonsense(self.title)
        broadcast = "completed" if live.get("actualEndTime") else as_line(snippet.get("liveBroadcastContent"), 20)
        duration = as_line(as_dict(video.get("contentDetails")).get("duration"), 40)
        statistics = as_dict(video.get("statistics"))
        description = as_text(snippet.get("description")).strip()
        return Item(
            integration=self.name,
            external_id=video_id,
            url=_watch(video_id),
            kind="video",
            title=title,
            full_name=title,
            description=description[:MAX_DESCRIPTION_CHARS].strip(),
            text=escape(description)[:MAX_TEXT_CHARS],
            topics=as_tags(as_list(snippet.get("tags"))),
            image_url=_best_thumbnail(as_dict(snippet.get("thumbnails"))),
            video=Video(provider=self.name, video_id=video_id),
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


def problem(response: Response, now: datetime) -> ImportProblem:
    """What an answer other than 200 means: by its reasons, since 403 is quota, speed and permission alike. Its
    messages hold HTML and are never shown."""
    if limit := limited_until(response, now):
        return RateLimitError.resets(TITLE, limit, now)
    status = response.status
    if status in (401, 403) or reasons(response) & BAD_KEY:
        return _auth("YouTube refused our credentials.", "Connect YouTube again, then retry the import.")
    if status == 404:
        return ContentNotFoundError("YouTube has no such video, or it is private.")
    return unexpected(response)


def _video_id(link: Link) -> str:
    """What stands where a video's id stands, or nothing."""
    first, *rest = [*link.segments, ""]
    if link.host.endswith("youtu.be"):
        return first
    if first == "watch" and "v" in link.query:
        return link.query["v"][0]
    return rest[0] if rest and first in _BEFORE_AN_ID else ""


def _best_thumbnail(thumbnails: dict[str, Any]) -> str | None:
    urls = (as_line(as_dict(thumbnails.get(size)).get("url"), 2_048) for size in THUMBNAILS)
    return next((url for url in urls if re.fullmatch(r"https?://\S+", url)), None)


def _watch(video_id: str) -> str:
    return f"https://youtube.com/watch?v={video_id}"


def _auth(error: str, suggestion: str) -> IntegrationAuthError:
    return IntegrationAuthError(error, action="connect_youtube", suggestion=suggestion)
