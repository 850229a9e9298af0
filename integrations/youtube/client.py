"""Requests to YouTube's Data API, a unit each, and to its feeds, which cost none.

https://developers.google.com/youtube/v3/docs
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from integrations.client import Client
from integrations.coerce import as_dict, as_int, as_line, as_list, as_title
from integrations.responses import malformed_response
from integrations.youtube.errors import explain
from integrations.youtube.feed import FeedError, parse
from integrations.youtube.limits import TITLE, UNITS
from integrations.youtube.live_states import is_provisional
from integrations.youtube.mapping import PARTS, best_thumbnail, to_item
from integrations.youtube.settings import YouTubeSettings
from integrations.youtube.urls import CHANNEL_ID, VIDEO_ID, ChannelName
from kit.budgets import Bucket
from kit.errors import ContentNotFoundError, ImportProblem, IntegrationAuthError, UpstreamUnavailableError
from kit.http import Response
from schemas.content import Item

PAGE = 50  # the most that a page has, and the most videos that can be asked for at once
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Channel:
    id: str
    title: str
    uploads: str  # the playlist of all its videos
    subscriber_count: int | None  # none where the channel hides it
    image_url: str | None


@dataclass(frozen=True, slots=True)
class Upload:
    """An entry of a channel's uploads. `hidden` says why there is no video behind it for us."""

    video_id: str
    title: str
    published: str  # RFC 3339, to the second, without its zone: YouTube's is always UTC
    hidden: str = ""
    private: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Videos:
    """By their ids. What is in none of these is private or gone."""

    items: Mapping[str, Item] = field(default_factory=dict)
    odd: frozenset[str] = frozenset()  # there, and not to be read
    provisional: frozenset[str] = frozenset()  # of the items, those that may be otherwise by the next sync

    def __or__(self, more: "Videos") -> "Videos":
        return Videos({**self.items, **more.items}, self.odd | more.odd, self.provisional | more.provisional)


@dataclass(frozen=True, slots=True)
class Page:
    uploads: tuple[Upload, ...]  # newest first
    next: str | None


class YouTubeClient(Client[YouTubeSettings]):
    """The key travels in a header, never in the URL. YouTube counts by project, whoever's token a request carries."""

    name, title, noun = "youtube", TITLE, "video"
    api_url = "youtube_api_url"
    app_header = ("x-goog-api-key", "youtube_api_key")
    buckets = (UNITS,)
    billed = "application"

    def priced(self, account: str) -> tuple[Bucket, ...]:
        return (replace(UNITS, units=self.settings.youtube_daily_units),)

    def thing(self, path: str, params: Mapping[str, str]) -> str:
        """Return the videos, the channel or the playlist that is asked for."""
        return " ".join(value for name, value in params.items() if name not in ("part", "maxResults", "pageToken"))

    def authorization(self) -> dict[str, str]:
        if headers := super().authorization():
            return headers
        raise IntegrationAuthError(
            "YouTube is not connected.",
            action="connect_youtube",
            suggestion="Connect YouTube, then retry the import.",
        )

    def explain(self, response: Response) -> ImportProblem | None:
        return explain(response, connected=self.connected)

    async def videos(self, ids: Sequence[str], *, public: bool = False) -> Videos:
        """Those of up to 50 that can be seen; with `public`, without those that are seen by their link alone. One that
        cannot be read costs only itself."""
        answer = await self._list("videos", "youtube#videoListResponse", {"part": PARTS, "id": ",".join(ids)})
        items: dict[str, Item] = {}
        odd, provisional = set(), set()
        for video in map(as_dict, as_list(answer.get("items"))):
            if public and as_dict(video.get("status")).get("privacyStatus") != "public":
                continue
            if (video_id := as_line(video.get("id"), 20)) not in ids:
                continue
            try:
                items[video_id] = to_item(video)
            except (UpstreamUnavailableError, ValidationError):
                odd.add(video_id)
                continue
            if is_provisional(video, self.http.now()):
                provisional.add(video_id)
        return Videos(items, frozenset(odd - items.keys()), frozenset(provisional))

    async def channel(self, name: ChannelName) -> Channel | None:
        parts = {"part": "snippet,contentDetails,statistics", name.parameter: name.value}
        answer = await self._list("channels", "youtube#channelListResponse", parts)
        found = as_dict(next(iter(as_list(answer.get("items"))), None))
        if not found:
            return None
        snippet, statistics = as_dict(found.get("snippet")), as_dict(found.get("statistics"))
        playlists = as_dict(as_dict(found.get("contentDetails")).get("relatedPlaylists"))
        hides = statistics.get("hiddenSubscriberCount") is True
        channel_id = as_line(found.get("id"), 100)
        if not snippet or not CHANNEL_ID.fullmatch(channel_id):
            raise malformed_response(TITLE)
        return Channel(
            id=channel_id,
            title=as_title(snippet.get("title")) or as_title(snippet.get("customUrl")) or channel_id,
            uploads=as_line(playlists.get("uploads"), 100) or f"UU{channel_id[2:]}",
            subscriber_count=None if hides else as_int(statistics.get("subscriberCount")),
            image_url=best_thumbnail(snippet),
        )

    async def uploads(self, playlist: str, page: str | None = None, size: int = PAGE) -> Page | None:
        """`size` entries at most. None where there is no such playlist: of a channel without videos, or of none."""
        params = {"part": "snippet,contentDetails,status", "playlistId": playlist, "maxResults": str(size)}
        try:
            answer = await self._list(
                "playlistItems", "youtube#playlistItemListResponse", params | ({"pageToken": page} if page else {})
            )
        except ContentNotFoundError:
            return None
        entries = [_upload(as_dict(entry)) for entry in as_list(answer.get("items"))[:size]]
        return Page(tuple(filter(None, entries)), as_line(answer.get("nextPageToken"), 500) or None)

    async def feed(self, channel_id: str) -> tuple[Upload, ...] | None:
        """The latest 15, newest first, at no cost. None where it is not to be had just now: a feed that answers 404
        says nothing of its channel."""
        try:
            response = await self.http.get(
                f"{self.settings.youtube_feeds_url}/videos.xml",
                service=TITLE,
                headers={"accept": "application/atom+xml"},
                params={"channel_id": channel_id},
            )
            entries = parse(response.body) if response.status == 200 else []
        except (ImportProblem, FeedError):
            return None
        found = [
            Upload(one.video_id, as_line(one.title), _time(one.published))
            for one in entries
            if one.channel_id == channel_id and not one.deleted
        ]
        return tuple(sorted(found, key=lambda one: one.published, reverse=True)) or None

    async def _list(self, resource: str, kind: str, params: dict[str, str]) -> dict[str, Any]:
        answer = await self.get_object(f"/{resource}", params)
        if answer.get("kind") != kind:
            raise malformed_response(TITLE)
        return answer


def _upload(entry: dict[str, Any]) -> Upload | None:
    """None for an entry that names no video. A deleted or private one is listed without the time of its publication."""
    content, snippet = as_dict(entry.get("contentDetails")), as_dict(entry.get("snippet"))
    video_id, published = as_line(content.get("videoId"), 20), as_line(content.get("videoPublishedAt"), 40)
    if not video_id:  # the same is told by another part, where this one is missing
        video_id = as_line(as_dict(snippet.get("resourceId")).get("videoId"), 20)
        published = published or as_line(snippet.get("publishedAt"), 40)
    if not VIDEO_ID.fullmatch(video_id):
        return None
    privacy = as_dict(entry.get("status")).get("privacyStatus")
    hidden = ""
    if privacy == "private":
        hidden = "This video is private."
    elif privacy == "unlisted":
        hidden = "This video is unlisted."
    deleted = not hidden and not published
    if deleted:
        hidden = "This video was deleted."
    return Upload(video_id, as_line(snippet.get("title")), _time(published), hidden, privacy == "private", deleted)


def _time(told: str) -> str:
    """To the second; empty where it is no time, as times are compared by their letters."""
    return told[:19] if _TIME.match(told) else ""
