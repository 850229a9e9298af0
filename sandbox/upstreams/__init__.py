"""The services that the sandbox plays, by their base path. A new one is a module and a line here."""

from sandbox.exchange import Upstream
from sandbox.limits import Limits
from sandbox.upstreams.github import GitHub
from sandbox.upstreams.openai import OpenAI
from sandbox.upstreams.pictures import OpenGraph, Thumbnails
from sandbox.upstreams.youtube import YouTube
from sandbox.world import World


def all_upstreams(world: World, limits: Limits) -> dict[str, Upstream]:
    """{base path: upstream}"""
    return {
        "/github": GitHub(world, limits),
        "/youtube/v3": YouTube(world, limits),
        "/v1": OpenAI(limits),
        "/opengraph": OpenGraph(world),
        "/vi": Thumbnails(world),
    }
