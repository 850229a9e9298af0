"""GitHub REST v3: https://docs.github.com/rest/repos/repos"""

from sandbox.upstreams.github.oauth import GitHubLogin
from sandbox.upstreams.github.service import GitHub

__all__ = ["GitHub", "GitHubLogin"]
