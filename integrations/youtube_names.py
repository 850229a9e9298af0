"""What names a video, and a channel: its id, its handle, or a name from before there were handles.

https://developers.google.com/youtube/v3/docs/channels/list#parameters
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from integrations.links import WEB, Link, parse
from kit.errors import InvalidURLError

EXAMPLE = "Paste a link like https://youtube.com/@handle or https://youtube.com/channel/UC…"

VIDEO_ID = re.compile(r"[0-9A-Za-z_-]{11}")
CHANNEL_ID = re.compile(r"UC[0-9A-Za-z_-]{22}")
_HANDLE = re.compile(r"[\w·.-]{3,60}")  # in any script
_LEGACY = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True, slots=True)
class ChannelName:
    """`parameter` is the one of `channels.list` that finds it. Only an id is for ever; handles move."""

    parameter: Literal["id", "forHandle", "forUsername"]
    value: str
    custom: bool = False  # from /c/…, which no request finds: most of these names have become handles


def watch_url(video_id: str) -> str:
    """The one spelling of a video's link."""
    return f"https://youtube.com/watch?v={video_id}"


def channel_url(channel_id: str) -> str:
    """The one spelling of a channel's link."""
    return f"https://youtube.com/channel/{channel_id}"


def channel_id_of(url: str) -> str | None:
    """The id in a channel's canonical link; None for any other link."""
    channel_id = url.removeprefix(channel_url(""))
    return channel_id if CHANNEL_ID.fullmatch(channel_id) and url == channel_url(channel_id) else None


def channel_name(text: str) -> ChannelName:
    """What a link, a bare id or a bare handle names. No I/O. Raises InvalidURLError with a hint."""
    text = text.strip()
    if CHANNEL_ID.fullmatch(text):
        return ChannelName("id", text)
    if text.startswith("@") or not re.search(r"[./:]", text):
        return _handle(text.removeprefix("@"))
    link = parse(text)
    if link.scheme not in WEB or not (link.host == "youtube.com" or link.host.endswith(".youtube.com")):
        raise InvalidURLError("This is not a link to YouTube.", suggestion=EXAMPLE)
    return _from_path(link)


def _from_path(link: Link) -> ChannelName:
    first, second = (*(unquote(segment) for segment in link.segments[:2]), "", "")[:2]
    if first.startswith("@"):
        return _handle(first[1:])
    match first:
        case "channel" if CHANNEL_ID.fullmatch(second):
            return ChannelName("id", second)
        case "user" if _LEGACY.fullmatch(second):
            return ChannelName("forUsername", second)
        case "c" if _LEGACY.fullmatch(second):
            return ChannelName("forHandle", f"@{second}", custom=True)
        case "embed" if second == "live_stream" and CHANNEL_ID.fullmatch(named := link.query.get("channel", [""])[0]):
            return ChannelName("id", named)
    raise _refused()


def _handle(handle: str) -> ChannelName:
    if not _HANDLE.fullmatch(handle):
        raise _refused()
    return ChannelName("forHandle", f"@{handle}")


def _refused() -> InvalidURLError:
    return InvalidURLError("This does not name a YouTube channel.", suggestion=EXAMPLE)
