"""Looks at a channel: its feed first, which costs nothing, and then no more units than there is news.

Its uploads come newest first. What the next sync needs to tell news from what is old is its `Cursor`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import Literal

from integrations.base import Skipped, SyncResult, SyncState
from integrations.youtube.channels import find, metadata_of
from integrations.youtube.client import PAGE, Channel, Upload, Videos, YouTubeClient
from integrations.youtube.urls import ChannelName, watch_url
from schemas.content import Item
from schemas.events import UpstreamStatus

REFRESH = timedelta(days=7)  # numbers of the channel and of its known videos
MAX_PAGES = 20  # of one sync
MAX_SKIPPED = 200
MAX_PROVISIONAL = PAGE  # read anew by every sync, with one unit
RECENT = 15  # as many uploads as a feed shows
Missing = Literal["gone", "private"]
NOT_SHOWN = "YouTube does not show this video."
UNREADABLE = "YouTube's answer about this video cannot be read."
NOT_COMING = "Nothing to do: a deleted video cannot be imported."


@dataclass(frozen=True, slots=True)
class Cursor:
    uploads: str  # the playlist of all videos
    newest: str  # when the newest upload was published that a sync has seen
    refreshed_at: str  # when known videos were last read anew
    recent: dict[str, list[str]] = field(default_factory=dict)  # title and time of the latest uploads
    missing: dict[str, Missing] = field(default_factory=dict)  # known videos that cannot be read: gone or private
    skipped: list[str] = field(default_factory=list)  # those that could not be read, and may be one day
    provisional: dict[str, str] = field(default_factory=dict)  # known videos that were not final, and what they were


async def sync_channel(
    channel_id: str, api: YouTubeClient, state: SyncState, max_items: int, now: datetime
) -> SyncResult:
    """Raises ContentNotFoundError where there is no such channel any more, and the other errors of `kit.errors`."""
    if state.cursor:
        return await _ChannelSync(channel_id, api, state, Cursor(**state.cursor), now).again()
    channel = await find(api, ChannelName("id", channel_id))
    return await _ChannelSync(channel_id, api, state, Cursor(channel.uploads, "", now.isoformat()), now).first(
        channel, max_items
    )


class _ChannelSync:
    """One sync: `_note` what was listed, read what is worth it, and sum it up."""

    def __init__(self, channel_id: str, api: YouTubeClient, state: SyncState, cursor: Cursor, now: datetime) -> None:
        self._channel_id = channel_id
        self._api = api
        self._state = state
        self._cursor = cursor
        self._now = now
        self._hidden: dict[str, Upload] = {}

    async def first(self, channel: Channel, max_items: int) -> SyncResult:
        """The latest `max_items`, those that are hidden among them; fewer where a page is short, as a page costs."""
        listed: list[Upload] = []
        page: str | None = None
        for _ in range(min(MAX_PAGES, ceil(max_items / PAGE))):
            found = await self._api.uploads(channel.uploads, page, min(PAGE, max_items - len(listed)))
            listed += self._noted(found.uploads if found else ())
            page = found.next if found else None
            if not page:
                break
        return await self._summed(listed, (), channel)

    async def again(self) -> SyncResult:
        """All that was missed, what has changed its title, what is missing, and once in a while everything."""
        listed, reached = await self._latest()
        if not reached:
            listed = await self._walk()
        due = self._now - datetime.fromisoformat(self._cursor.refreshed_at) >= REFRESH
        channel = await find(self._api, ChannelName("id", self._channel_id)) if due else None
        again = sorted(self._state.ids) if due else self._suspects(listed)
        return await self._summed(listed, again, channel, self._cursor.provisional)

    async def _latest(self) -> tuple[list[Upload], bool]:
        """The latest uploads, and whether they reach back to what is known. A feed that does not answer says nothing
        of its channel."""
        if feed := await self._api.feed(self._channel_id):
            return list(feed), self._reaches(feed)
        return [], False

    async def _walk(self) -> list[Upload]:
        """Page by page to the first that has something known."""
        listed: list[Upload] = []
        page: str | None = None
        for _ in range(MAX_PAGES):
            found = await self._api.uploads(self._cursor.uploads, page)
            if found is None and not listed:  # no videos, or no channel
                await find(self._api, ChannelName("id", self._channel_id))
            listed += self._noted(found.uploads if found else ())
            page = found.next if found else None
            if not page or self._reaches(listed):
                break
        return listed

    def _noted(self, uploads: Sequence[Upload]) -> Sequence[Upload]:
        self._hidden |= {one.video_id: one for one in uploads if one.hidden}
        return uploads

    def _reaches(self, uploads: Iterable[Upload]) -> bool:
        return any(self._is_old(one) for one in uploads)

    def _is_old(self, upload: Upload) -> bool:
        seen = bool(upload.published) and upload.published <= self._cursor.newest
        return seen or upload.video_id in self._state.ids

    def _fresh(self, listed: Sequence[Upload]) -> list[Upload]:
        """What is newer than all that was seen, or was hidden once and stands among what is known. Older uploads were
        left out by the first sync, and stay out."""
        old = [place for place, one in enumerate(listed) if self._is_old(one)]
        known = [place for place in old if listed[place].video_id in self._state.ids]
        end = known[-1] if known else old[0] if old else len(listed)
        return [
            one
            for place, one in enumerate(listed)
            if one.video_id not in self._state.ids
            and (place < end or one.published > self._cursor.newest or one.video_id in self._cursor.skipped)
        ]

    def _suspects(self, listed: Sequence[Upload]) -> list[str]:
        """Known videos that go by another title now, can be seen again, or are not where they should be."""
        now = {one.video_id: one for one in listed if not one.hidden}
        oldest = min(one.published for one in now.values()) if len(now) >= RECENT else ""
        recent, missing = self._cursor.recent, self._cursor.missing
        renamed = [it for it, (title, _) in recent.items() if it in now and now[it].title != title]
        back = [it for it in missing if it in now]
        lost = [it for it, (_, published) in recent.items() if it not in now and published >= oldest]
        return [it for it in (*renamed, *back, *lost) if it in self._state.ids and (it not in missing or it in now)]

    async def _summed(
        self,
        listed: Sequence[Upload],
        again: Sequence[str],
        channel: Channel | None,
        provisional: Mapping[str, str] = MappingProxyType({}),
    ) -> SyncResult:
        """`again` are known videos to be read anew; so are the `provisional` ones, news only in another state."""
        fresh = self._fresh(listed)
        news = [one.video_id for one in fresh if not one.hidden]
        read = await self._read(list(dict.fromkeys((*news, *again, *provisional))))
        if channel:  # once in a while also what was hidden, which may be beyond the latest
            read |= await self._read([it for it in self._cursor.skipped if it not in read.items], public=True)
        items, missing = read.items, self._cursor.missing
        unread = [it for it in (*again, *provisional) if it not in items and it not in read.odd]
        lost = await self._lost([it for it in dict.fromkeys(unread) if it not in missing])
        shown = [one for one in listed if not one.hidden]
        waiting = [one.video_id for one in fresh if not one.deleted]
        cursor = Cursor(
            uploads=channel.uploads if channel else self._cursor.uploads,
            newest=max([self._cursor.newest, *self._times(shown)]) or self._now.isoformat()[:19],
            refreshed_at=self._now.isoformat() if channel else self._cursor.refreshed_at,
            recent={one.video_id: [one.title, one.published] for one in shown[:RECENT]},
            missing={it: state for it, state in missing.items() if it not in items} | lost,
            skipped=[it for it in dict.fromkeys((*waiting, *self._cursor.skipped)) if it not in items][:MAX_SKIPPED],
            provisional=dict([*_states(read), *_of(provisional, read.odd)][:MAX_PROVISIONAL]),
        )
        wanted = {*news, *again} | items.keys() - provisional.keys()
        return SyncResult(
            items=tuple(it for key, it in items.items() if key in wanted or _state(it) != provisional[key]),
            skipped=tuple(_skipped(one, odd=one.video_id in read.odd) for one in fresh if one.video_id not in items),
            standings=(
                *(UpstreamStatus(url=watch_url(it), state="there") for it in missing if it in items),
                *(UpstreamStatus(url=watch_url(it), state=state) for it, state in lost.items()),
            ),
            display_name=channel.title if channel else None,
            metadata={
                "channel_id": self._channel_id,
                "total_videos_imported": len(self._state.ids | items.keys()),
                **(metadata_of(channel) if channel else {}),
            },
            cursor=asdict(cursor),
        )

    def _times(self, uploads: Iterable[Upload]) -> Iterator[str]:
        """When they were published; one that is still to come would make all that come before it old."""
        now = self._now.astimezone(UTC).isoformat()[:19]
        return (one.published for one in uploads if one.published <= now)

    async def _read(self, ids: Sequence[str], *, public: bool = False) -> Videos:
        found = Videos()
        for start in range(0, len(ids), PAGE):
            found |= await self._api.videos(ids[start : start + PAGE], public=public)
        return replace(found, items={it: found.items[it] for it in ids if it in found.items})

    async def _lost(self, ids: Sequence[str]) -> dict[str, Missing]:
        """A video that cannot be read does not say why; the list of uploads may."""
        if ids and not self._hidden:
            page = await self._api.uploads(self._cursor.uploads)
            self._noted(page.uploads if page else ())
        return {it: "private" if it in self._hidden and self._hidden[it].private else "gone" for it in ids}


def _states(read: Videos) -> Iterator[tuple[str, str]]:
    return ((it, _state(item)) for it, item in read.items.items() if it in read.provisional)


def _of(states: Mapping[str, str], ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((it, states[it]) for it in ids if it in states)


def _state(item: Item) -> str:
    return f"{item.metadata['live']} {item.metadata['duration']}"


def _skipped(upload: Upload, *, odd: bool) -> Skipped:
    reason = UNREADABLE if odd else upload.hidden or NOT_SHOWN
    skipped = Skipped(upload.video_id, watch_url(upload.video_id), upload.title, reason)
    return replace(skipped, suggestion=NOT_COMING) if upload.deleted else skipped
