"""As many channels as a load needs, made by rule from a number below 100,000.

`https://www.youtube.com/@loadchannel{n}`, or `/channel/{channel_id(n)}`.
"""

from functools import lru_cache

from sandbox.data.model import Channel, Video

UPLOADS = 5  # of each
_PREFIX, _SUFFIX = "UCload", "Sandbox0A"
_HANDLE = "loadchannel"


def channel_id(number: int) -> str:
    return f"{_PREFIX}{number:09}{_SUFFIX}"


@lru_cache(maxsize=4_096)
def channel(wanted: str) -> Channel | None:
    """By its id. None where it is not of this family."""
    digits = wanted.removeprefix(_PREFIX).removesuffix(_SUFFIX)
    if not digits.isdecimal() or int(digits) > 99_999 or wanted != channel_id(int(digits)):
        return None
    n = int(digits)
    return Channel(wanted, f"Load Channel {n}", f"{_HANDLE}{n}", f"Channel {n}, made by rule.", n % 9_000)


def channel_by_handle(handle: str) -> Channel | None:
    """By its handle in lower case, without the @."""
    digits = handle.removeprefix(_HANDLE)
    found = channel(channel_id(int(digits))) if digits.isdecimal() and len(digits) < 6 else None
    return found if found and found.handle == handle else None


def uploads(of: Channel) -> list[str]:
    """Newest first."""
    if channel(of.id) is None:
        return []
    number = int(of.id.removeprefix(_PREFIX).removesuffix(_SUFFIX))
    return [f"lc{number:05}{k:04}" for k in range(UPLOADS - 1, -1, -1)]


@lru_cache(maxsize=4_096)
def video(video_id: str) -> Video | None:
    """`lc{channel:05}{number:04}`, or None where the id is not of this family."""
    if len(video_id) != 11 or not video_id.startswith("lc") or not video_id[2:].isdecimal():
        return None
    n, k = int(video_id[2:7]), int(video_id[7:])
    owner = channel(channel_id(n))
    if owner is None or k >= UPLOADS:
        return None
    return Video(
        id=video_id,
        title=f"Channel {n}, part {k}",
        channel=owner,
        description=f"Part {k} of {UPLOADS}, with Python and SQLite.",
        views=n + k,
        likes=k,
        comments=0,
        published=f"2026-0{1 + k}-02T16:00:09Z",
    )
