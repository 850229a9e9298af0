"""Who asks, what it costs, and the lists: a video that is missing or private is 200 with one item less."""

from collections.abc import Iterable
from functools import lru_cache

from sandbox.data.model import Channel, Video
from sandbox.exchange import Call, Reply, dump
from sandbox.faults import Rule
from sandbox.limits import Limits
from sandbox.oauth.grants import Grants
from sandbox.upstreams.credentials import Caller, caller_of
from sandbox.upstreams.youtube import answers, errors, playlists, shapes
from sandbox.world import World

STATS = "youtube.batchGetStats"  # which has a budget of its own
PROJECT = "sandbox-key"  # the importer's key: what its members' tokens spend is of the same project's quota
_YOUTUBE = "https://www.googleapis.com/auth/youtube"
_SCOPES = (_YOUTUBE, f"{_YOUTUBE}.readonly", f"{_YOUTUBE}.force-ssl")


class YouTube:
    """Each call costs one unit of the project's day, whatever its answer."""

    name = "youtube"
    kinds = frozenset(errors.FAULTS)

    def __init__(self, world: World, limits: Limits, grants: Grants) -> None:
        self._channels = world.channels
        self._limits = limits
        self._grants = grants

    def endpoint(self, path: str) -> str:
        return path

    def fail(self, call: Call, rule: Rule) -> Reply:
        return errors.fault(rule)

    def answer(self, call: Call) -> Reply:
        key = call.query.get("key") or call.headers.get("X-Goog-Api-Key", "")
        caller = Caller(key, key) if key else caller_of(call, self._grants, "google")
        if not caller.authenticated:
            return errors.unregistered()
        if caller.refused:
            return errors.key_invalid() if key else errors.auth_error()
        if not caller.may(*_SCOPES):
            return errors.scope_insufficient()
        project = PROJECT if caller.issued else caller.key
        bucket = STATS if call.path == "/videos:batchGetStats" else self.name
        if self._limits.spend(bucket, project, authenticated=True).exceeded:
            return errors.quota_exceeded()
        if call.method in ("GET", "HEAD"):
            match call.path:
                case "/videos":
                    return self._list_videos(call, caller)
                case "/videos:batchGetStats":
                    return self._list_stats(call, caller)
                case "/channels":
                    return self._list_channels(call, caller)
                case "/playlistItems":
                    parts = answers.parts(call, playlists.PARTS)
                    return parts if isinstance(parts, Reply) else playlists.items(call, caller, self._channels, parts)
        return errors.error(404, "Requested entity was not found.", "global", "notFound")

    def _list_videos(self, call: Call, caller: Caller) -> Reply:
        parts = answers.parts(call, shapes.VIDEO_PARTS)
        if isinstance(parts, Reply):
            return parts
        videos = self._visible(call, caller)
        if isinstance(videos, Reply):
            return videos
        items = [_video(one, parts, call.base) for one in videos]
        return answers.listed("youtube#videoListResponse", items, call, pageInfo=answers.page_info(len(items)))

    def _list_stats(self, call: Call, caller: Caller) -> Reply:
        parts = answers.parts(call, shapes.STATS_PARTS)
        if isinstance(parts, Reply):
            return parts
        videos = self._visible(call, caller)
        if isinstance(videos, Reply):
            return videos
        items = [answers.tagged(dump(shapes.stats(one, parts))) for one in videos]
        return answers.listed("youtube#batchGetStatsResponse", items, call)

    def _visible(self, call: Call, caller: Caller) -> list[Video] | Reply:
        """Those asked for that this caller may see, or why the question is wrong."""
        ids = answers.ids(call)
        if isinstance(ids, Reply):
            return ids
        found = (self._channels.video(one) for one in ids)
        return [one for one in found if one and (one.privacy != "private" or caller.owns(one.channel.handle))]

    def _list_channels(self, call: Call, caller: Caller) -> Reply:
        parts = answers.parts(call, shapes.CHANNEL_PARTS)
        if isinstance(parts, Reply):
            return parts
        query = call.query
        if "id" in query:
            found: Iterable[Channel | None] = map(self._channels.channel, dict.fromkeys(query["id"].split(",")))
        elif "forHandle" in query:
            found = [self._channels.by_handle(query["forHandle"])]
        elif query.get("mine") == "true":
            if caller.issued is None:
                return errors.auth_error()  # a key has no channel
            found = [self._channels.by_handle(caller.issued.grant.member.channel)]
        elif "forUsername" in query:
            found = [self._channels.by_username(query["forUsername"])]
        else:
            message = "No filter selected. Expected one of: id, forHandle, forUsername, managedByMe, mine"
            return errors.missing_parameter(message, "")
        items = [self._channel(one, parts, call.base) for one in found if one]
        return answers.listed("youtube#channelListResponse", items, call, pageInfo=answers.page_info(len(items)))

    def _channel(self, found: Channel, parts: frozenset[str], base: str) -> bytes:
        entries = self._channels.uploads(found) if "statistics" in parts else []
        public = sum(1 for entry in entries if entry.video and entry.video.privacy == "public")
        return answers.tagged(dump(shapes.channel(found, public, parts, base)))


@lru_cache(maxsize=4_096)
def _video(found: Video, parts: frozenset[str], base: str) -> bytes:
    return answers.tagged(dump(shapes.video(found, parts, base)))
