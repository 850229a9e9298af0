"""The channels' Atom feeds, and the notifications about them.

https://developers.google.com/youtube/v3/guides/push_notifications
"""

import hashlib
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from sandbox.channels import Channels
from sandbox.data.model import Channel, Video
from sandbox.exchange import Call, Reply, http_date
from sandbox.faults import Rule
from sandbox.world import World

ENTRIES = 15
HUB = "https://pubsubhubbub.appspot.com"
XML = {
    "Content-Type": "text/xml; charset=UTF-8",
    "Cache-Control": "public, max-age=900",
    "X-Content-Type-Options": "nosniff",
    "Server": "YouTube RSS Feeds server",
}
_NAMESPACES = (
    'xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns="http://www.w3.org/2005/Atom"'
)
_TOMBSTONES = 'xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns="http://www.w3.org/2005/Atom"'


class Feeds:
    """`/feeds/videos.xml?channel_id=` (or `playlist_id=UU…`): the latest public uploads, no key and no quota."""

    name = "feeds"
    kinds = frozenset({"not_found"})

    def __init__(self, world: World) -> None:
        self._channels = world.channels

    def endpoint(self, path: str) -> str:
        return path

    def fail(self, call: Call, rule: Rule) -> Reply:
        return _page(rule.status or (404 if rule.kind == "not_found" else 500))

    def answer(self, call: Call) -> Reply:
        playlist = call.query.get("playlist_id", "")
        wanted = call.query.get("channel_id") or (f"UC{playlist[2:]}" if playlist.startswith("UU") else "")
        channel = self._channels.channel(wanted)
        if call.path not in ("/feeds/videos.xml", "/xml/feeds/videos.xml") or channel is None:
            return _page(404)
        shown = latest(self._channels, channel)
        body = feed(channel, shown)
        etag = f'"{hashlib.sha256(body).hexdigest()[:27]}"'
        headers = XML | {"ETag": etag}
        if shown:
            headers["Last-Modified"] = http_date(max(video.updated for video in shown))
        if etag in call.headers.get("If-None-Match", ""):
            return Reply(304, headers, b"")
        return Reply(200, headers, body)


def latest(channels: Channels, of: Channel) -> list[Video]:
    public = (entry.video for entry in channels.uploads(of) if entry.video and entry.video.privacy == "public")
    return [video for video, _ in zip(public, range(ENTRIES), strict=False)]


def feed(channel: Channel, videos: list[Video]) -> bytes:
    url = f"https://www.youtube.com/channel/{channel.id}"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<feed {_NAMESPACES}>
 <link rel="self" href="http://www.youtube.com/feeds/videos.xml?channel_id={channel.id}"/>
 <id>yt:channel:{channel.id}</id>
 <yt:channelId>{channel.id}</yt:channelId>
 <title>{escape(channel.title)}</title>
 <link rel="alternate" href="{url}"/>
 <author>
  <name>{escape(channel.title)}</name>
  <uri>{url}</uri>
 </author>
 <published>2019-06-01T12:00:00+00:00</published>
 <updated>{_seconds(max((video.updated for video in videos), default="2019-06-01T12:00:00Z"))}</updated>
{"".join(_entry(video, _media(video)) for video in videos)}</feed>
""".encode()


def notification(video: Video) -> bytes:
    """What the hub pushes for a new or an edited video. Its `self` link is of the older form."""
    topic = f"https://www.youtube.com/xml/feeds/videos.xml?channel_id={video.channel.id}"
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">
 <link rel="hub" href="{HUB}"/>
 <link rel="self" href="{topic}"/>
 <title>YouTube video feed</title>
 <updated>{_precise(video.updated)}</updated>
{_entry(video, updated=_precise(video.updated))}</feed>
""".encode()


def deletion(video: Video) -> bytes:
    """What the hub pushes for a video that is no longer there."""
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<feed {_TOMBSTONES}><at:deleted-entry ref="yt:video:{video.id}" when="{datetime.now(UTC).isoformat()}">
  <link href="https://www.youtube.com/watch?v={video.id}"/>
  <at:by>
   <name>{escape(video.channel.title)}</name>
   <uri>https://www.youtube.com/channel/{video.channel.id}</uri>
  </at:by>
 </at:deleted-entry></feed>
""".encode()


def _entry(video: Video, media: str = "", updated: str = "") -> str:
    return f""" <entry>
  <id>yt:video:{video.id}</id>
  <yt:videoId>{video.id}</yt:videoId>
  <yt:channelId>{video.channel.id}</yt:channelId>
  <title>{_text(video.title)}</title>
  <link rel="alternate" href="https://www.youtube.com/watch?v={video.id}"/>
  <author>
   <name>{escape(video.channel.title)}</name>
   <uri>https://www.youtube.com/channel/{video.channel.id}</uri>
  </author>
  <published>{_seconds(video.published)}</published>
  <updated>{updated or _seconds(video.updated)}</updated>
{media} </entry>
"""


def _media(video: Video) -> str:
    player = f'url="https://www.youtube.com/v/{video.id}?version=3" type="application/x-shockwave-flash"'
    return f"""  <media:group>
   <media:title>{_text(video.title)}</media:title>
   <media:content {player} width="640" height="390"/>
   <media:thumbnail url="https://i2.ytimg.com/vi/{video.id}/hqdefault.jpg" width="480" height="360"/>
   <media:description>{_text(video.description)}</media:description>
   <media:community>
    <media:starRating count="{video.likes or 0}" average="5.00" min="1" max="5"/>
    <media:statistics views="{video.views or 0}"/>
   </media:community>
  </media:group>
"""


def _text(text: str) -> str:
    """Without what XML cannot hold."""
    return escape("".join(char for char in text if char >= " " or char in "\n\t"))


def _seconds(iso: str) -> str:
    return iso.replace("Z", "+00:00")


def _precise(iso: str) -> str:
    """Pushes tell the time to the nanosecond."""
    return iso.replace("Z", ".000000000+00:00")


def _page(status: int) -> Reply:
    words = "404 Not Found" if status == 404 else f"{status} Error"
    page = f"<html><head><title>{words}</title></head><body><h1>{words}</h1></body></html>"
    return Reply(status, {"Content-Type": "text/html; charset=utf-8"}, page.encode())
