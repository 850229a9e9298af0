"""A channel's Atom feed, and what its hub pushes: the same entries. https://developers.google.com/youtube/v3/guides/push_notifications

Written by others and read with care: no document type and so no entities, bounded in size, depth and number.
"""

from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from integrations.youtube.urls import CHANNEL_ID, VIDEO_ID

MAX_FEED_BYTES = 1024 * 1024
MAX_ENTRIES = 100  # YouTube sends 15
MAX_ELEMENTS = 10_000
MAX_DEPTH = 16
MAX_CHARS = 500  # of a text

_ATOM, _YT = "http://www.w3.org/2005/Atom", "http://www.youtube.com/xml/schemas/2015"
_TOMBSTONE = "http://purl.org/atompub/tombstones/1.0"
_FEED, _ENTRY, _DELETED = (f"{_ATOM} feed",), (f"{_ATOM} feed", f"{_ATOM} entry"), (f"{_TOMBSTONE} deleted-entry",)
_FIELDS = {  # of an entry, or of a tombstone, by their place in it
    (f"{_YT} videoId",): "video_id",
    (f"{_YT} channelId",): "channel_id",
    (f"{_ATOM} title",): "title",
    (f"{_ATOM} published",): "published",
    (f"{_ATOM} updated",): "updated",
    (f"{_TOMBSTONE} by", f"{_ATOM} uri"): "channel",
}


class FeedError(ValueError):
    """This is no feed, or one that is not read: it has a document type, or is beyond the bounds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An upload, an edit of one, or with `deleted` its end. The times are as they were sent."""

    video_id: str
    channel_id: str
    title: str = ""
    published: str = ""
    updated: str = ""
    deleted: bool = False


def parse(body: bytes) -> list[Entry]:
    """Its entries, in its order, without those that lack their ids. Raises FeedError."""
    if len(body) > MAX_FEED_BYTES:
        raise FeedError("too large for a feed")
    reader = _Reader()
    try:
        reader.parser.Parse(body.lstrip(), True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last is of an encoding that nobody knows
        raise FeedError("no feed") from error
    return reader.entries


class _Reader:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._elements = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self._path: list[str] = []
        self._fields: dict[str, str] = {}
        self._text = ""

    def _refuse(self, *_: object) -> NoReturn:
        raise FeedError("a feed has no document type")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        self._text = ""
        self._elements += 1
        if len(self._path) > MAX_DEPTH or self._elements > MAX_ELEMENTS or self._path[0] != _FEED[0]:
            raise FeedError("no feed")
        if tuple(self._path) == _ENTRY:
            self._fields = {}
        if self._deleted:
            video_id = attributes.get("ref", "").removeprefix("yt:video:")
            self._fields = {"video_id": video_id, "updated": attributes.get("when", "")}

    def _characters(self, text: str) -> None:
        self._text += text[: MAX_CHARS - len(self._text)]

    def _end(self, _name: str) -> None:
        if field := _FIELDS.get(tuple(self._path[2:])):
            self._fields[field] = self._text.strip()
        if tuple(self._path) == _ENTRY or self._deleted:
            self._add(deleted=self._deleted)
        self._path.pop()

    @property
    def _deleted(self) -> bool:
        return tuple(self._path[1:]) == _DELETED

    def _add(self, *, deleted: bool) -> None:
        fields = self._fields
        link = fields.pop("channel", "")
        channel_id = fields.get("channel_id") or link.rpartition("/channel/")[2]
        if not (VIDEO_ID.fullmatch(fields.get("video_id", "")) and CHANNEL_ID.fullmatch(channel_id)):
            return
        if len(self.entries) == MAX_ENTRIES:
            raise FeedError("too many entries for a feed")
        self.entries.append(Entry(**{**fields, "channel_id": channel_id}, deleted=deleted))
