"""What names a video, and a channel: its id, its handle, or a name from before there were handles.

https://developers.google.com/youtube/v3/docs/channels/list#parameters
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from integrations.links import JOINERS, WEB, Link, parse
from kit.errors import InvalidURLError

EXAMPLE = "Paste a link like https://youtube.com/@handle or https://youtube.com/channel/UC…"

VIDEO_ID = re.compile(r"[0-9A-Za-z_-]{11}")
CHANNEL_ID = re.compile(r"UC[0-9A-Za-z_-]{22}")
# YouTube's bounds differ by script: of Latin letters it takes three, of others fewer
MIN_LATIN_CHARS, MAX_HANDLE_CHARS, MAX_LEGACY_CHARS = 3, 60, 100
_BESIDE_LETTERS = frozenset("_-.·")
# What turns the direction of text around a name, and comes along when it is copied
_INVISIBLE = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"


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
    text = text.strip().strip(_INVISIBLE).strip()
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
