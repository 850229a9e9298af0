"""The one way out of a process to other people's servers: `Upstream` over one shared aiohttp connector."""

from kit.http.body import BodyLimits, BodyTooLargeError
from kit.http.exchange import Limits, Response
from kit.http.library import LibraryTransport
from kit.http.retry import retry_after
from kit.http.transport import open_transport
from kit.http.upstream import Ask, Upstream

__all__ = [
    "Ask",
    "BodyLimits",
    "BodyTooLargeError",
    "LibraryTransport",
    "Limits",
    "Response",
    "Upstream",
    "open_transport",
    "retry_after",
]
