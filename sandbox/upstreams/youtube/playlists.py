"""playlistItems.list of a channel's uploads. https://developers.google.com/youtube/v3/docs/playlistItems/list"""

import base64
import binascii
from typing import Any

from sandbox.channels import Channels, Upload
from sandbox.data.model import Channel
from sandbox.exchange import Call, Reply, dump
from sandbox.upstreams.credentials import Caller
from sandbox.upstreams.youtube import answers, errors, shapes

PARTS = frozenset({"id", "snippet", "contentDetails", "status"})
KIND = "youtube#playlistItemListResponse"
_PER_PAGE, _MOST = 5, 50
_PLACEHOLDERS = {  # what stands for a video that cannot be seen: title, description, privacyStatus
    "private": ("Private video", "This video is private.", "private"),
    "gone": ("Deleted video", "This video is unavailable.", "privacyStatusUnspecified"),
}


def items(call: Call, caller: Caller, channels: Channels, parts: frozenset[str]) -> Reply:
    """A page, newest first. What only the link shows is left out of it, so it may be short while more follow."""
    playlist = call.query.get("playlistId", "")
    if not playlist:
        return errors.missing_parameter("No filter selected. Expected one of: id, playlistId", "")
    channel = channels.channel(f"UC{playlist[2:]}") if playlist.startswith("UU") else None
    if channel is None:
        return errors.playlist_not_found()
    start = _offset(call.query.get("pageToken", ""))
    if start is None:
        return errors.invalid_page_token()
    asked = call.query.get("maxResults", "")
    per_page = min(_MOST, int(asked)) if asked.isdecimal() else _PER_PAGE
    uploads, owns = channels.uploads(channel), caller.owns(channel.handle)
    shown = [
        answers.tagged(dump(_item(one, channel, playlist, position, parts, call.base, owns)))
        for position, one in enumerate(uploads[start : start + per_page], start)
        if owns or one.video is None or one.video.privacy != "unlisted"
    ]
    more: dict[str, Any] = {"pageInfo": answers.page_info(len(uploads), per_page)}
    if start + per_page < len(uploads):
        more["nextPageToken"] = _token(start + per_page)
    if start:
        more["prevPageToken"] = _token(max(0, start - per_page))
    return answers.listed(KIND, shown, call, **more)


def _item(
    upload: Upload, channel: Channel, playlist: str, position: int, parts: frozenset[str], base: str, owns: bool
) -> dict[str, Any]:
    video_id, video = upload
    visible = video if video and (owns or video.privacy != "private") else None
    title, description, privacy = _PLACEHOLDERS["private" if video else "gone"]
    item_id = base64.urlsafe_b64encode(f"{playlist}.{video_id}".encode()).decode().rstrip("=")
    body: dict[str, Any] = {"kind": "youtube#playlistItem", "etag": "", "id": item_id}
    if "snippet" in parts:
        body["snippet"] = {
            "publishedAt": video.published if video else "2019-06-01T12:00:00Z",
            "channelId": channel.id,
            "title": visible.title if visible else title,
            "description": visible.description if visible else description,
            "thumbnails": shapes.thumbnails(visible, base) if visible else {},
            "channelTitle": channel.title,
            "playlistId": playlist,
            "position": position,
            "resourceId": {"kind": "youtube#video", "videoId": video_id},
        }
        if visible:
            body["snippet"] |= {"videoOwnerChannelTitle": channel.title, "videoOwnerChannelId": channel.id}
    if "contentDetails" in parts:
        published = {"videoPublishedAt": visible.published} if visible else {}
        body["contentDetails"] = {"videoId": video_id, **published}
    if "status" in parts:
        body["status"] = {"privacyStatus": visible.privacy if visible else privacy}
    return body


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"PT:{offset}".encode()).decode().rstrip("=")


def _offset(token: str) -> int | None:
    """0 without a token, None for one that was not given out here."""
    if not token:
        return 0
    try:
        decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    digits = decoded.removeprefix("PT:")
    return int(digits) if digits.isdecimal() and len(digits) < 9 else None
