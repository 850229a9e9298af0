"""YouTube: videos, and channels that are followed. https://developers.google.com/youtube/v3/docs"""

from contextlib import suppress
from typing import ClassVar
from urllib.parse import unquote

from integrations.base import Credentials, Integration, Known, Looked, nonsense
from integrations.connections.providers import YOUTUBE_READ
from integrations.links import WEB, Link, parse
from integrations.settings import IntegrationSettings
from integrations.youtube.client import YouTubeAPI
from integrations.youtube.errors import no_video
from integrations.youtube.limits import TITLE
from integrations.youtube.mapping import INTEGRATION
from integrations.youtube.sync import look
from integrations.youtube.urls import VIDEO_ID, channel_id_of, channel_name, channel_url, watch_url
from kit.errors import IMPORT_CHANNEL, InvalidURLError
from kit.text.service import TextService
from kit.upstream import Upstream
from schemas.content import Item

_NOT_VIDEOS = frozenset({"videoseries", "live_stream"})  # eleven characters, but pages below /embed/
_BEFORE_AN_ID = frozenset({"embed", "e", "live", "shorts", "v", "watch"})
CHANNEL_HINT = "To import a whole channel use POST /api/v1/integrations/youtube/import-channel/."
# What the page is, and what helps: a suggestion and an action.
_HINTS = {
    "playlist": (
        f"Playlists are not imported. {CHANNEL_HINT} Or paste the link of one of the videos.",
        IMPORT_CHANNEL,
    ),
    "channel": (f"{CHANNEL_HINT} Or paste the link of one of its videos.", IMPORT_CHANNEL),
    "other": ("Paste a link like https://youtube.com/watch?v=… with the video's eleven characters.", None),
}


class YouTube(Integration):
    name = INTEGRATION
    title = TITLE
    needed_scopes = frozenset({YOUTUBE_READ})
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
        "https://www.youtube.com./%77atch?v=dQw4w9WgXc%51": "https://youtube.com/watch?v=dQw4w9WgXcQ",
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

    def __init__(self, settings: IntegrationSettings, _texts: TextService | None = None) -> None:
        self._settings = settings

    @property
    def bases(self) -> tuple[str, ...]:
        return (self._settings.youtube_api_url, self._settings.youtube_feeds_url)

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
        if not VIDEO_ID.fullmatch(video_id) or video_id in _NOT_VIDEOS:
            suggestion, action = _HINTS[_page(url, link)]
            raise InvalidURLError("This link does not lead to a YouTube video.", suggestion=suggestion, action=action)
        return watch_url(video_id)

    async def fetch(self, url: str, http: Upstream, credentials: Credentials) -> Item:
        """One request, one unit of quota."""
        video_id = self.canonical_url(url).rpartition("=")[2]
        found = await YouTubeAPI(self._settings, http, credentials).videos([video_id])
        if video_id in found.odd:
            raise nonsense(TITLE)
        if video_id not in found.items:
            raise no_video()
        return found.items[video_id]

    def source_url(self, url: str) -> str:
        """Of a video, or of a channel by its id. A channel's other names take a request: `youtube_channels.find`."""
        try:
            name = channel_name(url)
        except InvalidURLError:
            return self.canonical_url(url)
        if name.parameter != "id":
            raise InvalidURLError(
                "This link names a channel without its id.",
                action=IMPORT_CHANNEL,
                suggestion=f"{CHANNEL_HINT} It is followed from then on.",
            )
        return channel_url(name.value)

    def source_identifier(self, url: str) -> str:
        """A channel's id."""
        return channel_id_of(url) or url

    async def look(self, url: str, http: Upstream, credentials: Credentials, known: Known, max_items: int) -> Looked:
        """At a channel, no unit where nothing is new; at a video, one."""
        channel_id = channel_id_of(url)
        if channel_id is None:
            return await super().look(url, http, credentials, known, max_items)
        return await look(channel_id, YouTubeAPI(self._settings, http, credentials), known, max_items, http.now())


def _page(url: str, link: Link) -> str:
    """What the page is that is no video's, as `_HINTS` names it. A channel only where it can be imported as one."""
    with suppress(InvalidURLError):
        channel_name(url)
        return "channel"
    return "playlist" if "list" in link.query else "other"


def _video_id(link: Link) -> str:
    """What stands where a video's id stands, or nothing."""
    first, *rest = [*map(unquote, link.segments), ""]
    if link.host.endswith("youtu.be"):
        return first
    if first == "watch" and "v" in link.query:
        return link.query["v"][0]
    return rest[0] if rest and first in _BEFORE_AN_ID else ""
