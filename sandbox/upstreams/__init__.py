"""The services that the sandbox plays, by their base path. A new one is a module and a line here.

What has a login or a page is found under the name of its real host: https://HOST/… is BASE/HOST/… here.
"""

from sandbox.exchange import Upstream
from sandbox.limits import Limits
from sandbox.oauth.consent import Consents
from sandbox.oauth.grants import Grants
from sandbox.upstreams.figma import Figma
from sandbox.upstreams.github import GitHub, GitHubLogin
from sandbox.upstreams.gitlab import GitLab
from sandbox.upstreams.google import HOSTS, Google
from sandbox.upstreams.openai import OpenAI
from sandbox.upstreams.pictures import OpenGraph, Thumbnails
from sandbox.upstreams.websub import Hub
from sandbox.upstreams.youtube import Feeds, YouTube
from sandbox.world import World


def all_upstreams(world: World, limits: Limits, grants: Grants, consents: Consents, hub: Hub) -> dict[str, Upstream]:
    """{base path: upstream}"""
    google, figma = Google(grants, consents), Figma(grants, consents)
    return {
        "/github": GitHub(world, limits, grants),
        "/youtube/v3": YouTube(world, limits, grants),
        "/www.youtube.com": Feeds(world),
        "/pubsubhubbub.appspot.com": hub,
        "/v1": OpenAI(limits),
        "/opengraph": OpenGraph(world),
        "/vi": Thumbnails(world),
        "/github.com": GitHubLogin(grants, consents),
        **{f"/{host}": google for host in HOSTS},
        "/gitlab.com": GitLab(grants, consents),
        "/www.figma.com": figma,
        "/api.figma.com": figma,
    }
