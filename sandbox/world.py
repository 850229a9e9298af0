"""All that the upstreams know, and the changes that a test makes to it while it runs."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.data import load, members, repositories, videos
from sandbox.data.model import Channel, Readme, Repository, Video


class World:
    """Repositories by full name (case does not matter), videos and channels by id. Private ones are here too."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Everything as written in `sandbox/data`."""
        known = (*repositories.all_repositories(), *members.private_repositories(), *members.shelf())
        self._repositories = {repo.full_name.lower(): repo for repo in known}
        self._moved = {old.lower(): repo.id for repo in self._repositories.values() for old in repo.moved_from}
        self._videos = {video.id: video for video in videos.VIDEOS}
        self._channels = {channel.id: channel for channel in (*videos.CHANNELS, load.CHANNEL)}
        self._gone: set[str] = set()  # members of the load family that were deleted or renamed

    def repository(self, full_name: str) -> Repository | None:
        key = full_name.lower()
        return self._repositories.get(key) or (None if key in self._gone else load.repository(key))

    def repository_by_id(self, number: int) -> Repository | None:
        known = (repo for repo in self._repositories.values() if repo.id == number)
        return next(known, None) or self.repository(load.full_name(number))

    def moved(self, full_name: str) -> Repository | None:
        """The repository that once had this name."""
        number = self._moved.get(full_name.lower())
        return None if number is None else self.repository_by_id(number)

    def owned_by(self, login: str) -> list[Repository]:
        return [repo for repo in self._repositories.values() if repo.owner.lower() == login.lower()]

    def owners(self) -> set[str]:
        return {repo.owner for repo in self._repositories.values()}

    def video(self, video_id: str) -> Video | None:
        """Private videos too: who may see them is the caller's question."""
        return self._videos.get(video_id) or (None if video_id in self._gone else load.video(video_id))

    def channel(self, channel_id: str) -> Channel | None:
        return self._channels.get(channel_id)

    def channel_by_handle(self, handle: str) -> Channel | None:
        wanted = handle.removeprefix("@").lower()
        return next((c for c in self._channels.values() if c.handle.lower() == wanted), None)

    def change_repository(self, full_name: str, changes: dict[str, Any]) -> Repository:
        """Fields of `Repository`; `full_name` renames it (the old name answers 301), `readme` is Markdown or None.

        A repository that does not exist yet is created. Raises `ValueError` for unknown fields.
        """
        owner, _, name = full_name.partition("/")
        old = self.repository(full_name) or Repository(owner, name, id=700_000_000 + len(self._repositories))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        values: dict[str, Any] = {"updated": now} | _known(changes, Repository, {"id", "owner", "name"}, {"full_name"})
        if "readme" in values:
            values["pushed"] = now
            if values["readme"] is not None:
                path = old.readme.path if old.readme else "README.md"
                values["readme"] = Readme(values["readme"].encode(), path)
        if new_name := values.pop("full_name", None):
            owner, _, name = new_name.partition("/")
            values |= {"owner": owner, "name": name}
            self._moved[full_name.lower()] = old.id
        self.delete_repository(full_name)
        repo = replace(old, **values)
        self._repositories[repo.full_name.lower()] = repo
        self._moved.pop(repo.full_name.lower(), None)
        return repo

    def delete_repository(self, full_name: str) -> None:
        self._repositories.pop(full_name.lower(), None)
        self._gone.add(full_name.lower())

    def change_video(self, video_id: str, changes: dict[str, Any]) -> Video:
        """Fields of `Video`; one that does not exist yet is created. Raises `ValueError` for unknown fields."""
        old = self.video(video_id) or Video(video_id, "Untitled", videos.CHANNELS[0])
        self._videos[video_id] = replace(old, **_known(changes, Video, {"id", "channel"}))
        return self._videos[video_id]

    def delete_video(self, video_id: str) -> None:
        self._videos.pop(video_id, None)
        self._gone.add(video_id)


def _known(
    changes: dict[str, Any], kind: type[Any], fixed: set[str], extra: set[str] | frozenset[str] = frozenset()
) -> dict[str, Any]:
    known = {f.name for f in fields(kind)} - fixed | extra
    if unknown := set(changes) - known:
        raise ValueError(f"no field {sorted(unknown)}; there are {sorted(known)}")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
