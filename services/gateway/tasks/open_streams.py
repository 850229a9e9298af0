"""Limit how many status streams and waiting requests are open at once: of a member, from an address, in this process.

Each holds a connection for as long as its import takes.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

from kit.errors import ImportProblem
from services.gateway.settings import GatewaySettings
from services.gateway.web.metrics import REFUSED_STREAMS
from services.gateway.web.provided import provided

ASK_AGAIN = timedelta(seconds=10)


class TooManyStreamsError(ImportProblem):
    status = 429
    error_code = "TOO_MANY_STREAMS"
    action = "wait"
    suggestion = "Close a stream that you no longer need, or poll the task's address."


class OpenStreams:
    def __init__(self, settings: GatewaySettings) -> None:
        self._most = {
            "member": settings.streams_per_member,
            "address": settings.streams_per_address,
            "process": settings.max_connections * 4 // 5,  # the rest is for requests that end
        }
        self._open: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def counted(self, member: str, address: str) -> Iterator[None]:
        """Count one more as open for as long as the block runs. Raises `TooManyStreamsError` at a limit."""
        wanted = {"member": member, "address": address, "process": ""}
        for whose, limit in self._most.items():
            if self._open[whose, wanted[whose]] >= limit:
                REFUSED_STREAMS.labels(whose).inc()
                raise _refusal(whose, limit)
        self._open.update(wanted.items())
        try:
            yield
        finally:
            for key in wanted.items():
                self._open[key] -= 1
                if not self._open[key]:
                    del self._open[key]


def _refusal(whose: str, limit: int) -> TooManyStreamsError:
    error = {
        "member": f"You have {limit} status streams and waiting requests open, which is the limit.",
        "address": f"Your address has {limit} status streams and waiting requests open, which is the limit.",
        "process": "Too many status streams are open at the moment.",
    }
    return TooManyStreamsError(error[whose], retry_at=datetime.now(UTC) + ASK_AGAIN)


OpenStreamsDep = Annotated[OpenStreams, provided(OpenStreams)]
