"""A channel at a YouTube that counts what it is asked."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from integrations.base import Ref, SyncResult, SyncState
from integrations.credentials import Credentials
from integrations.registry import IntegrationSettings, build_registry
from kit.upstream import Upstream
from tests.unit.integrations.answers import NOW, Json, reply, video

ID = "UCabcdefghijklmnopqrstuv"
URL = f"https://youtube.com/channel/{ID}"
LIST = "youtube#{}ListResponse"


def video_id(number: int) -> str:
    return f"video{number:06}"


@dataclass
class FakeChannel:
    """`titles` by number; a higher number is newer. `private` and `deleted` stay in the list of uploads."""

    titles: dict[int, str] = field(default_factory=dict)
    private: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    unlisted: set[int] = field(default_factory=set)
    omitted: set[int] = field(default_factory=set)  # which makes a page short
    overfull: int = 0  # entries of each page beyond those that were asked for
    unready: set[int] = field(default_factory=set)  # listed, and not to be read yet
    parts: dict[int, Json] = field(default_factory=dict)  # of videos, over what they have otherwise
    times: dict[int, str] = field(default_factory=dict)  # when they were published, instead
    untitled: bool = False
    feed: int = 200
    exists: bool = True
    views: int = 1
    now: datetime = NOW
    calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.integration = build_registry(IntegrationSettings.model_validate({"youtube_api_key": "k"})).get("youtube")
        self.ref = Ref(URL, ID, is_collection=True)
        self.transport = httpx2.MockTransport(self._answer)
        self.http = Upstream(self.transport, self.integration.bases, now=lambda: self.now, sleep=self._sleep)
        self.state = SyncState()

    def upload(self, *numbers: int) -> None:
        self.titles |= {number: f"Video {number}" for number in numbers}

    async def sync(self, max_items: int = 50) -> SyncResult:
        """And remember what it found, as the fetcher does."""
        self.calls.clear()
        result = await self.integration.sync(self.ref, self.http, Credentials(), self.state, max_items)
        self.state = SyncState(self.state.ids | {item.external_id for item in result.items}, result.cursor)
        return result

    @property
    def units(self) -> int:
        return self.calls.total() - self.calls["videos.xml"]

    async def _sleep(self, _seconds: float) -> None:
        """Time does not matter here."""

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        what = request.url.path.rpartition("/")[2]
        self.calls[what] += 1
        answer: httpx2.Response = getattr(self, f"_{what.replace('.', '_').lower()}")(dict(request.url.params))
        return answer

    def _visible(self) -> list[int]:
        return [one for one in self._listed() if one not in self.private | self.deleted]

    def _listed(self) -> list[int]:
        return sorted(self.titles, reverse=True) if self.exists else []

    def _channels(self, params: dict[str, str]) -> httpx2.Response:
        wanted = params.get("id") == ID or params.get("forHandle", "").lower() == "@somebody"
        one = {
            "id": ID,
            "snippet": {"title": "" if self.untitled else "Somebody", "customUrl": "@somebody"},
            "contentDetails": {"relatedPlaylists": {"uploads": f"UU{ID[2:]}"}},
            "statistics": {"subscriberCount": "1234", "hiddenSubscriberCount": False},
        }
        return reply(body={"kind": LIST.format("channel"), "items": [one] if wanted and self.exists else []})

    def _playlistitems(self, params: dict[str, str]) -> httpx2.Response:
        listed = self._listed()
        if not listed:
            return reply(404, {"error": {"errors": [{"reason": "playlistNotFound"}]}})
        start, size = int(params.get("pageToken", "0")), int(params["maxResults"])
        if not 0 <= size <= 50:
            return reply(400, {"error": {"errors": [{"reason": "invalidValue"}]}})
        size += self.overfull
        shown = [one for one in listed[start : start + size] if one not in self.omitted]
        body: dict[str, Any] = {"items": [self._entry(one) for one in shown]}
        if start + size < len(listed):
            body["nextPageToken"] = str(start + size)
        return reply(body={"kind": LIST.format("playlistItem"), **body})

    def _entry(self, number: int) -> dict[str, Any]:
        content = {"videoId": video_id(number), "videoPublishedAt": self.times.get(number, f"{_published(number)}Z")}
        if number in self.private | self.deleted:
            del content["videoPublishedAt"]
        title = "Deleted video" if number in self.deleted else self.titles[number]
        privacy = "private" if number in self.private else "unlisted" if number in self.unlisted else "public"
        return {"contentDetails": content, "snippet": {"title": title}, "status": {"privacyStatus": privacy}}

    def _videos(self, params: dict[str, str]) -> httpx2.Response:
        items = []
        for number in set(self._visible()) - self.unready:
            if video_id(number) in params["id"].split(","):
                (item,) = video(video_id(number), statistics={"viewCount": str(self.views)})["items"]
                item["status"] = {"privacyStatus": "unlisted" if number in self.unlisted else "public"}
                item["snippet"] |= {"title": self.titles[number], "publishedAt": f"{_published(number)}Z"}
                for name, part in self.parts.get(number, {}).items():
                    item[name] = {**item.get(name, {}), **part} if isinstance(part, dict) else part
                items.append(item)
        return reply(body={"kind": LIST.format("video"), "items": items})

    def _videos_xml(self, params: dict[str, str]) -> httpx2.Response:
        entries = "".join(
            f"<entry><yt:videoId>{video_id(one)}</yt:videoId><yt:channelId>{ID}</yt:channelId>"
            f"<title>{self.titles[one]}</title><published>{self.times.get(one, _published(one))}</published></entry>"
            for one in [number for number in self._visible() if number not in self.unlisted][:15]
        )
        namespaces = 'xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015"'
        return reply(self.feed, f"<feed {namespaces}>{entries}</feed>".encode())


def _published(number: int) -> str:
    return (datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number)).isoformat()[:19]
