"""videos.list and channels.list: a video that is missing or private is 200 with one item less."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from sandbox.data.model import Channel, Video
from sandbox.exchange import Call, Reply, dump
from sandbox.faults import Rule
from sandbox.limits import Limits
from sandbox.oauth.grants import Grants
from sandbox.upstreams.credentials import Caller, caller_of
from sandbox.upstreams.youtube import errors, shapes
from sandbox.world import World

MAX_IDS = 50
PROJECT = "sandbox-key"  # the importer's key: what its members' tokens spend is of the same project's quota
_YOUTUBE = "https://www.googleapis.com/auth/youtube"
_SCOPES = (_YOUTUBE, f"{_YOUTUBE}.readonly", f"{_YOUTUBE}.force-ssl")


class YouTube:
    """Each call costs one unit of the project's day, whatever its answer."""

    name = "youtube"
    kinds = frozenset(errors.FAULTS)

    def __init__(self, world: World, limits: Limits, grants: Grants) -> None:
        self._world = world
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
        if self._limits.spend(self.name, project, authenticated=True).exceeded:
            return errors.quota_exceeded()
        match call.method, call.path:
            case (("GET" | "HEAD"), "/videos"):
                return self._videos(call, caller)
            case (("GET" | "HEAD"), "/channels"):
                return self._channels(call, caller)
        return errors.error(404, "Requested entity was not found.", "global", "notFound")

    def _videos(self, call: Call, caller: Caller) -> Reply:
        parts = _parts(call, shapes.VIDEO_PARTS)
        if isinstance(parts, Reply):
            return parts
        ids = [one for one in call.query.get("id", "").split(",") if one]
        if not ids:
            return errors.missing_parameter("No filter selected. Expected one of: id, chart, myRating", "")
        if len(ids) > MAX_IDS:
            return errors.too_many_ids()
        found = (self._world.video(one) for one in dict.fromkeys(ids))
        shown = [v for v in found if v and (v.privacy != "private" or caller.owns(v.channel.handle))]
        return _list("youtube#videoListResponse", [_video(one, parts, call.base) for one in shown], call)

    def _channels(self, call: Call, caller: Caller) -> Reply:
        parts = _parts(call, shapes.CHANNEL_PARTS)
        if isinstance(parts, Reply):
            return parts
        query = call.query
        if "id" in query:
            found: Iterable[Channel | None] = map(self._world.channel, dict.fromkeys(query["id"].split(",")))
        elif "forHandle" in query:
            found = [self._world.channel_by_handle(query["forHandle"])]
        elif query.get("mine") == "true":
            if caller.issued is None:
                return errors.auth_error()  # a key has no channel
            found = [self._world.channel_by_handle(caller.issued.grant.member.channel)]
        elif "forUsername" in query:
            found = []  # legacy names only, and none of these channels has one
        else:
            message = "No filter selected. Expected one of: id, forHandle, forUsername, managedByMe, mine"
            return errors.missing_parameter(message, "")
        items = [_channel(one, parts, call.base) for one in found if one]
        return _list("youtube#channelListResponse", items, call)


def _parts(call: Call, known: frozenset[str]) -> frozenset[str] | Reply:
    asked = frozenset(part for part in call.query.get("part", "").replace(" ", "").split(",") if part)
    if not asked:
        return errors.missing_parameter("Required parameter: part", "part")
    if unknown := asked - known:
        return errors.unknown_part(min(unknown))
    return asked


def _list(kind: str, items: list[bytes], call: Call) -> Reply:
    """The envelope around items that are JSON already."""
    body = b",".join(items)
    etag = hashlib.sha256(body).hexdigest()[:27]
    if f'"{etag}"' in call.headers.get("If-None-Match", ""):
        return Reply(304, errors.JSON | {"ETag": f'"{etag}"'}, b"")
    head = b'{"kind":"%b","etag":"%b","items":[' % (kind.encode(), etag.encode())
    tail = b'],"pageInfo":{"totalResults":%d,"resultsPerPage":%d}}' % (len(items), len(items))
    return Reply(200, errors.JSON | {"ETag": f'"{etag}"'}, head + body + tail)


@lru_cache(maxsize=4_096)
def _video(found: Video, parts: frozenset[str], base: str) -> bytes:
    return _tagged(dump(shapes.video(found, parts, base)))


@lru_cache(maxsize=256)
def _channel(found: Channel, parts: frozenset[str], base: str) -> bytes:
    return _tagged(dump(shapes.channel(found, parts, base)))


def _tagged(item: bytes) -> bytes:
    etag = hashlib.sha256(item).hexdigest()[:27].encode()
    return item.replace(b'"etag":""', b'"etag":"%b"' % etag, 1)
