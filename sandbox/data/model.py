"""What the sandbox knows of a repository, a video and a channel. How a service words it is the upstreams' business.

Compared by identity: a change makes a new object, which is what the caches of rendered answers go by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Readme:
    content: bytes
    path: str = "README.md"
    html: bytes | None = None  # as GitHub renders it, where that is more than its text


@dataclass(frozen=True, eq=False)
class Repository:
    owner: str
    name: str
    id: int
    description: str | None = None
    languages: Mapping[str, int] = field(default_factory=dict)  # bytes of code, most first
    topics: tuple[str, ...] = ()
    licence: str | None = None  # a key of upstreams.github.shapes.LICENCES
    stars: int = 0
    forks: int = 0
    subscribers: int = 0
    open_issues: int = 0
    readme: Readme | None = None
    organization: bool = False
    archived: bool = False
    private: bool = False  # seen only with a token of the owner's that may read it
    blocked: bool = False  # taken down: 451
    parent: str | None = None  # full name of what this is a fork of
    moved_from: tuple[str, ...] = ()  # earlier full names, answered with 301
    default_branch: str = "main"
    homepage: str | None = None
    size: int = 1_024  # KB; 0 is an empty repository
    commits: int = 42  # on the default branch, the newest at `pushed`
    created: str = "2023-03-14T09:26:53Z"
    updated: str = "2026-09-30T18:05:11Z"
    pushed: str = "2026-09-28T07:41:30Z"

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, eq=False)
class Channel:
    id: str  # UC…
    title: str
    handle: str
    description: str = ""
    subscribers: int = 0
    country: str = "NO"
    username: str = ""  # a legacy name: /user/…


@dataclass(frozen=True, eq=False)
class Video:
    id: str
    title: str
    channel: Channel
    description: str = ""
    duration: str = "PT4M33S"
    thumbnails: tuple[str, ...] = ("default", "medium", "high", "standard", "maxres")
    views: int | None = 0  # None: the owner hides the number
    likes: int | None = 0
    comments: int | None = 0
    tags: tuple[str, ...] = ()
    privacy: str = "public"  # private videos are left out of every answer, and unlisted ones of lists
    embeddable: bool = True
    broadcast: str = "none"  # live, upcoming
    live: Mapping[str, str] | None = None  # liveStreamingDetails
    age_restricted: bool = False
    category: str = "28"
    language: str | None = "en"
    published: str = "2026-05-02T16:00:09Z"
    edited: str = ""  # when its text last changed; empty: never

    @property
    def updated(self) -> str:
        return self.edited or self.published


@dataclass(frozen=True, eq=False)
class Member:
    """A person with an account at every service that has a login."""

    name: str  # how switches and the consent page call them
    display_name: str
    email: str
    github: str  # login: their repositories' owner
    google: str  # `sub`
    channel: str  # handle of their YouTube channel
    number: int  # id at GitLab and Figma
