"""How many connections a process has room for, and how long it waits for what a client owes it.

A connection that waits for its client costs nothing but its place: where all places are taken, the one that has waited
longest goes, so that somebody who opens very many and says nothing keeps nobody else out.
"""

import resource
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog
from prometheus_client import Counter, Gauge

from kit.settings import ProcessSettings

OPEN = Gauge("thrive_http_connections", "Connections that clients hold open.")
ENDED = Counter(
    "thrive_http_connections_ended",
    "Connections that were ended before their client did it: head, body (late with it), unread (its answer), idle, "
    "crowded_out (gave its place to another), full (there was none).",
    ["reason"],
)
OTHER_FILES = 512  # that a process has open, or opens at once: engines, upstreams, connections that are being refused
MOST_REFUSED = 64  # refused connections that may linger at once, until their client has read why


S = TypeVar("S", bound=ProcessSettings)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, but for `connections`."""

    connections: int
    head: float
    body: float
    idle: float
    unread: float

    @classmethod
    def of(cls, settings: ProcessSettings) -> "Limits":
        return cls(
            connections=settings.max_connections,
            head=settings.head_timeout.total_seconds(),
            body=settings.body_timeout.total_seconds(),
            idle=settings.keep_alive_timeout.total_seconds(),
            unread=settings.send_timeout.total_seconds(),
        )


class Connection(Protocol):
    def make_way(self) -> None:
        """Ends at once, and leaves the room."""


class Room:
    """The connections of one process, and those among them that wait for their clients, longest first."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._inside: set[Connection] = set()
        self._waiting: dict[Connection, None] = {}
        self._refused = 0

    def enter(self, connection: Connection) -> bool:
        """False where there is no place, and nobody who could make one."""
        if len(self._inside) >= self.limits.connections:
            if not self._waiting:
                ENDED.labels("full").inc()
                return False
            ENDED.labels("crowded_out").inc()
            next(iter(self._waiting)).make_way()
        self._inside.add(connection)
        OPEN.set(len(self._inside))
        return True

    def waits(self, connection: Connection, waiting: bool) -> None:
        """Whether it waits for its client. Once it does, its turn to make way does not change until it does no more."""
        if not waiting:
            self._waiting.pop(connection, None)
        elif connection in self._inside:
            self._waiting.setdefault(connection)

    def leave(self, connection: Connection) -> None:
        self._waiting.pop(connection, None)
        self._inside.discard(connection)
        OPEN.set(len(self._inside))

    def linger(self) -> bool:
        """Whether one more that was refused may stay to be told."""
        if self._refused >= MOST_REFUSED:
            return False
        self._refused += 1
        return True

    def lingered(self) -> None:
        self._refused -= 1


def fitted(settings: S) -> S:
    """With no more connections than this process may have files open for; that limit is raised as far as it may be."""
    return settings.model_copy(update={"max_connections": _that_fit(settings.max_connections)})


def _that_fit(wanted: int) -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    fitting = max(soft - OTHER_FILES, soft // 4)
    structlog.get_logger(__name__).warning(
        "MAX_CONNECTIONS is more than the limit of open files allows", wanted=wanted, taken=fitting, files=soft
    )
    return min(wanted, fitting)
