"""YouTube Data API v3: https://developers.google.com/youtube/v3/docs"""

from sandbox.upstreams.youtube.feeds import Feeds
from sandbox.upstreams.youtube.service import PROJECT, YouTube

__all__ = ["PROJECT", "Feeds", "YouTube"]
