"""Channels and their videos, and the changes that a test makes to them while it runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from sandbox.changes import known
from sandbox.data import load, load_channels, uploads, videos
from sandbox.data.model import Channel, Video

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_NUMBERS = frozenset({"views", "likes", "comments", "edited"})  # what changes without the video being edited


class Upload(NamedTuple):
    """An entry of a channel's uploads, which stays when its video is gone."""

    video_id: str
    video: Video | None


class Channels:
    """Private videos are here too: who may see them is the caller's question."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Everything as written in `sandbox/data`."""
        described = sorted(videos.VIDEOS, key=lambda video: video.published, reverse=True)
        everything = (*described, *uploads.lighthouse(), *uploads.archive())
        self._videos = {video.id: video for video in everything}
        self._channels = {one.id: one for one in (*videos.CHANNELS, uploads.LIGHTHOUSE, uploads.ARCHIVE, load.CHANNEL)}
        self._uploads: dict[str, list[str]] = {}  # of each channel, newest first
        for video in everything:
            self._uploads.setdefault(video.channel.id, []).append(video.id)
        self._gone: set[str] = set()  # videos and channels that were deleted
        self._numbers = count(1)

    def video(self, video_id: str) -> Video | None:
        if video_id in self._gone:
            return None
        found = self._videos.get(video_id) or load.video(video_id) or load_channels.video(video_id)
        return None if found is None or found.channel.id in self._gone else found

    def channel(self, channel_id: str) -> Channel | None:
        if channel_id in self._gone:
            return None
        return self._channels.get(channel_id) or load_channels.channel(channel_id)

    def by_handle(self, handle: str) -> Channel | None:
        wanted = handle.removeprefix("@").lower()
        found = next((one for one in self._channels.values() if one.handle.lower() == wanted), None)
        found = found or load_channels.channel_by_handle(wanted)
        return self.channel(found.id) if found else None

    def by_username(self, name: str) -> Channel | None:
        """By a legacy name, which few channels have."""
        return next((one for one in self._channels.values() if one.username and one.username == name), None)

    def uploads(self, of: Channel) -> list[Upload]:
        """Newest first, with those that are private, unlisted or gone."""
        ids = self._uploads.get(of.id) or load_channels.uploads(of)
        return [Upload(one, self.video(one)) for one in ids]

    def upload(self, channel: str, changes: dict[str, Any]) -> Video:
        """A new video of the channel (its id or @handle), the newest. `id` may be among the fields of `Video`.

        Raises `ValueError` for a channel or a field that does not exist, and for an id that is taken.
        """
        owner = self._found(channel)
        video_id = changes.pop("id", "") or f"sbxNew{next(self._numbers):05}"
        if self.video(video_id):
            raise ValueError(f"there is a video {video_id} already")
        values = {"title": f"Upload {video_id}", "published": _now()} | known(changes, Video, {"id", "channel"})
        video = Video(id=video_id, channel=owner, **values)
        self._videos[video_id] = video
        self._gone.discard(video_id)
        self._uploads.setdefault(owner.id, load_channels.uploads(owner)).insert(0, video_id)
        return video

    def change_video(self, video_id: str, changes: dict[str, Any]) -> Video:
        """Fields of `Video`; one that does not exist yet is uploaded. Raises `ValueError` for unknown fields."""
        old = self.video(video_id)
        if old is None:
            return self.upload(videos.CHANNELS[0].id, {**changes, "id": video_id})
        values = known(changes, Video, {"id", "channel"})
        edited = {"edited": max(_now(), _after(old.updated))} if set(values) - _NUMBERS else {}
        self._videos[video_id] = replace(old, **edited | values)
        return self._videos[video_id]

    def delete_video(self, video_id: str) -> Video | None:
        """The video that was. Its entry among the uploads stays, without it."""
        old = self.video(video_id)
        self._gone.add(video_id)
        return old

    def change_channel(self, channel: str, changes: dict[str, Any]) -> Channel:
        """Fields of `Channel`, by id or @handle. Raises `ValueError` for unknown ones."""
        old = self._found(channel)
        new = replace(old, **known(changes, Channel, {"id"}))
        self._channels[new.id] = new
        for entry in self.uploads(new):
            if entry.video:
                self._videos[entry.video_id] = replace(entry.video, channel=new)
        return new

    def delete_channel(self, channel: str) -> None:
        """With all its videos."""
        self._gone.add(self._found(channel).id)

    def _found(self, channel: str) -> Channel:
        found = self.by_handle(channel) if channel.startswith("@") else self.channel(channel)
        if found is None:
            raise ValueError(f"no channel {channel!r}")
        return found


def _now() -> str:
    return datetime.now(UTC).strftime(_FORMAT)


def _after(time: str) -> str:
    """A second later: each edit has a time of its own."""
    return (datetime.fromisoformat(time) + timedelta(seconds=1)).strftime(_FORMAT)
