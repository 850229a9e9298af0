"""Pictures: GitHub's Open Graph cards (PNG) and YouTube's thumbnails (JPEG), drawn from the name they belong to."""

import hashlib
from functools import lru_cache

from sandbox.exchange import Call, Reply
from sandbox.faults import Rule
from sandbox.images.jpeg import jpeg_stripes
from sandbox.images.png import png_card
from sandbox.upstreams.youtube.shapes import THUMBNAILS
from sandbox.world import World

_CACHED_FOR_A_WHILE = {"Cache-Control": "public, max-age=21600", "Server": "github.com"}
_VARIANTS = 64  # so many different pictures; a load shares them


class _Pictures:
    """What both have in common."""

    name = "pictures"
    kinds = frozenset({"html"})

    def __init__(self, world: World) -> None:
        self._world = world

    def fail(self, call: Call, rule: Rule) -> Reply:
        return Reply(
            rule.status or 503, {"Content-Type": "text/html; charset=utf-8"}, b"<html><body>Unavailable</body></html>"
        )


class OpenGraph(_Pictures):
    """`/{any cache key}/{owner}/{repo}`: 1200 × 600, 404 for what the public cannot see."""

    def endpoint(self, path: str) -> str:
        return "/opengraph"

    def answer(self, call: Call) -> Reply:
        match call.path.split("/"):
            case ["", _, owner, name]:
                repo = self._world.repository(f"{owner}/{name}") or self._world.moved(f"{owner}/{name}")
                if repo and not repo.private and not repo.blocked:
                    return Reply(
                        200, _CACHED_FOR_A_WHILE | {"Content-Type": "image/png"}, _card(_variant(repo.full_name))
                    )
        return Reply(404, {"Content-Type": "text/plain; charset=utf-8"}, b"Not Found")


class Thumbnails(_Pictures):
    """`/{video or channel id}/{file}.jpg`; a size that does not exist is 404 with a grey picture, as on i.ytimg.com."""

    def endpoint(self, path: str) -> str:
        return "/vi"

    def answer(self, call: Call) -> Reply:
        headers = _CACHED_FOR_A_WHILE | {"Content-Type": "image/jpeg", "Server": "sffe"}
        match call.path.split("/"):
            case ["", owner, file]:
                video = self._world.channels.video(owner)
                for name in video.thumbnails if video else ():
                    if THUMBNAILS[name][0] == file:
                        return Reply(200, headers, _thumbnail(_variant(owner), *THUMBNAILS[name][1:]))
                if self._world.channels.channel(owner):
                    return Reply(200, headers, _thumbnail(_variant(owner), 240, 240))
        return Reply(404, headers, _thumbnail(None, 120, 90))


def _variant(name: str) -> int:
    return hashlib.sha256(name.lower().encode()).digest()[0] % _VARIANTS


@lru_cache(maxsize=_VARIANTS)
def _card(variant: int) -> bytes:
    return png_card(variant, 1200, 600)


@lru_cache(maxsize=_VARIANTS * len(THUMBNAILS))
def _thumbnail(variant: int | None, width: int, height: int) -> bytes:
    return jpeg_stripes(variant, width, height)
