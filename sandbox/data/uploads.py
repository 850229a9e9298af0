"""Channels with more uploads than a page holds, made by rule."""

from datetime import UTC, datetime, timedelta

from sandbox.data.model import Channel, Video

LIGHTHOUSE = Channel(
    "UCsandboxLighthouseRad0w",
    "Lighthouse Radio",
    "lighthouseexample",
    "One small program a week, built while the light turns.",
    26_400,
    username="LighthouseRadio",
)
ARCHIVE = Channel("UCsandboxHarbourArchiv0g", "Harbour Archive", "archiveexample", "Everything, since 1998.", 7_310)

_NEWEST = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
_BUILDS = (
    "a tide clock",
    "a chat server",
    "a feed reader",
    "a spelling checker",
    "a star map",
    "a job queue",
    "a bread timer",
    "a search index",
    "a weather station",
    "a tiny database",
    "a code formatter",
)
_STACKS = (
    ("Python", "FastAPI", "PostgreSQL"),
    ("Rust", "Tokio", "SQLite"),
    ("Go", "gRPC", "Redis"),
    ("TypeScript", "React", "GraphQL"),
    ("Elixir", "Phoenix", "Docker"),
)


def lighthouse() -> tuple[Video, ...]:
    """56 episodes, newest first. Two among the oldest are private: the latest fifty can all be seen."""
    return tuple(_episode(number) for number in range(56, 0, -1))


def archive() -> tuple[Video, ...]:
    """320 reels, newest first, with private and unlisted ones among them; a page without its unlisted ones is short."""
    return tuple(
        Video(
            id=f"sbxReel{number:04}",
            title=f"Reel {number}: the harbour",
            channel=ARCHIVE,
            description=f"Digitised from tape {number}. Nothing was cut.",
            duration=f"PT{1 + number % 59}M{number % 60}S",
            views=number * 17,
            likes=number % 50,
            comments=number % 7,
            tags=("harbour", "archive"),
            privacy="private" if number % 40 == 7 else "unlisted" if number % 40 == 19 else "public",
            published=_ago(days=321 - number),
        )
        for number in range(320, 0, -1)
    )


def _episode(number: int) -> Video:
    stack, build = _STACKS[number % 5], _BUILDS[number % 11]
    return Video(
        id=f"sbxLight{number:03}",
        title=f"Episode {number}: building {build} with {stack[0]}",
        channel=LIGHTHOUSE,
        description=f"We build {build} from nothing in {stack[0]}, with {stack[1]} and {stack[2]}.\n\n"
        f"Code: https://github.com/lighthouse-example/episode-{number}\n"
        f"00:00 The idea\n02:10 {stack[1]}\n21:30 It works",
        duration=f"PT{20 + number % 25}M{number % 60}S",
        views=4_000 + number * 311,
        likes=200 + number * 13,
        comments=number % 40,
        tags=(stack[0].lower(), "programming", "from scratch"),
        privacy="private" if number in (2, 4) else "public",
        published=_ago(weeks=56 - number),
    )


def _ago(days: int = 0, weeks: int = 0) -> str:
    return (_NEWEST - timedelta(days=days, weeks=weeks)).strftime("%Y-%m-%dT%H:%M:%SZ")
