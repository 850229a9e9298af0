"""Links to videos, and the names of channels: an id, a handle, or a name from before there were handles. No I/O.

https://developers.google.com/youtube/v3/docs/channels/list#parameters
"""

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from integrations import links
from integrations.base import Ref
from integrations.links import JOINERS, WEB, Link
from kit.errors import IMPORT_CHANNEL, InvalidURLError

EXAMPLE = "Paste a link like https://youtube.com/@handle or https://youtube.com/channel/UC…"

VIDEO_ID = re.compile(r"[0-9A-Za-z_-]{11}")
CHANNEL_ID = re.compile(r"UC[0-9A-Za-z_-]{22}")
# YouTube's bounds differ by script: of Latin letters it takes three, of others fewer
MIN_LATIN_CHARS, MAX_HANDLE_CHARS, MAX_LEGACY_CHARS = 3, 60, 100
_BESIDE_LETTERS = frozenset("_-.·")
# What turns the direction of text around a name, and comes along when it is copied
_INVISIBLE = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"

SAMPLES = {
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
REFUSED = (
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
    "ssh://git@youtube.com/watch/dQw4w9WgXcQ",
)
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


def video(link: Link) -> Ref:
    """Return the video that a link of YouTube's names. Raises InvalidURLError with a hint."""
    video_id = _video_id(link)
    if not VIDEO_ID.fullmatch(video_id) or video_id in _NOT_VIDEOS:
        suggestion, action = _HINTS[_page(link)]
        raise InvalidURLError("This link does not lead to a YouTube video.", suggestion=suggestion, action=action)
    return Ref(watch_url(video_id), video_id)


def video_or_channel(link: Link) -> Ref:
    """Return what can be followed at a link of YouTube's: a video, or a channel by its id. Its other names take a
    request. Raises InvalidURLError with a hint."""
    try:
        name = channel_of(link)
    except InvalidURLError:
        return video(link)
    if name.parameter != "id":
        raise InvalidURLError(
            "This link names a channel without its id.",
            action=IMPORT_CHANNEL,
            suggestion=f"{CHANNEL_HINT} It is followed from then on.",
        )
    return Ref(channel_url(name.value), name.value, is_collection=True)


def channel_name(text: str) -> ChannelName:
    """What a link, a bare id or a bare handle names. No I/O. Raises InvalidURLError with a hint."""
    text = text.strip().strip(_INVISIBLE).strip()
    if CHANNEL_ID.fullmatch(text):
        return ChannelName("id", text)
    if text.startswith("@") or not re.search(r"[./:]", text):
        return _handle(text.removeprefix("@"))
    return channel_of(links.parse(text))


def channel_of(link: Link) -> ChannelName:
    """Return the channel that a link names. Raises InvalidURLError with a hint."""
    if link.scheme not in WEB or not (link.host == "youtube.com" or link.host.endswith(".youtube.com")):
        raise InvalidURLError("This is not a link to YouTube.", suggestion=EXAMPLE)
    first, second = (*(unquote(segment) for segment in link.segments[:2]), "", "")[:2]
    if first.startswith("@"):
        return _handle(first[1:])
    match first:
        case "channel" if CHANNEL_ID.fullmatch(second):
            return ChannelName("id", second)
        case "user" if name := _spelt(second, MAX_LEGACY_CHARS):
            return ChannelName("forUsername", name)
        case "c" if name := _spelt(second, MAX_LEGACY_CHARS):
            return ChannelName("forHandle", f"@{name}", custom=True)
        case "embed" if second == "live_stream" and CHANNEL_ID.fullmatch(named := link.query.get("channel", [""])[0]):
            return ChannelName("id", named)
    raise _refused()


def _handle(handle: str) -> ChannelName:
    name = _spelt(handle, MAX_HANDLE_CHARS)
    if not name or (name.isascii() and len(name) < MIN_LATIN_CHARS):
        raise _refused()
    return ChannelName("forHandle", f"@{name}")


def _spelt(text: str, most: int) -> str:
    """A name in its one spelling, NFC; empty where it is none: of letters and digits of any script, with their marks,
    what may stand beside them, and joiners inside of words."""
    name = unicodedata.normalize("NFC", text) if len(text) <= 4 * most else ""
    kinds = "".join(map(_kind, name))
    well_formed = re.fullmatch(r"[ln_][lmn_]*(j[lmn][lmn_]*)*", kinds)
    return name if len(name) <= most and well_formed else ""


def _kind(char: str) -> str:
    """`l`etter, `m`ark, `n`umber, `j`oiner, `_` for what may stand beside them, `x` for all else."""
    if char in _BESIDE_LETTERS:
        return "_"
    kind = unicodedata.category(char)[0].lower()
    return "j" if char in JOINERS else kind if kind in "lmn" else "x"


def _refused() -> InvalidURLError:
    return InvalidURLError("This does not name a YouTube channel.", suggestion=EXAMPLE)


def _page(link: Link) -> str:
    """Return what the page is that is no video's, as `_HINTS` names it: a channel only where it can be imported."""
    with suppress(InvalidURLError):
        channel_of(link)
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
