"""Send one request to an upstream and read its answer within bounds, over one aiohttp connector per process."""

from kit.http.body import BodyLimits, BodyTooLargeError
from kit.http.exchange import Limits, Response
from kit.http.library import LibraryTransport
from kit.http.retry import retry_after
from kit.http.transport import open_transport

__all__ = [
    "BodyLimits",
    "BodyTooLargeError",
    "LibraryTransport",
    "Limits",
    "Response",
    "open_transport",
    "retry_after",
]
