"""Asking a WebSub hub. https://www.w3.org/TR/websub/#subscriber-sends-subscription-request"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx2

from kit.http import BodyLimits, BodyTooLargeError, Limits, retry_after
from kit.http.exchange import FAILURES, exchange

LONGEST_PAUSE = timedelta(hours=1)  # whatever a header says: nobody else is asked meanwhile
LIMITS = Limits(total=20, body=BodyLimits(wire=64 * 1024, decoded=64 * 1024))


class HubBusyError(Exception):
    """The hub is away, slow, or wants to be left alone for `pause`: whoever asks next, and for whatever."""

    def __init__(self, reason: str, pause: timedelta) -> None:
        super().__init__(reason)
        self.pause = pause


class HubRefusedError(Exception):
    """The hub wants none of this one subscription."""


class Hub:
    """`pause` is what a hub is given that is away and does not say until when."""

    def __init__(
        self, transport: httpx2.AsyncBaseTransport, url: str, *, pause: timedelta = timedelta(minutes=1)
    ) -> None:
        self._transport = transport
        self._url = url
        self._pause = pause

    async def ask(self, form: Mapping[str, str]) -> None:
        """Returns when the hub has taken the request, which it then confirms at the callback.

        Raises HubBusyError and HubRefusedError.
        """
        request = httpx2.Request("POST", self._url, data=dict(form))
        try:
            async with asyncio.timeout(LIMITS.total):
                answer = await exchange(self._transport, request, LIMITS, service="The hub")
        except (*FAILURES, BodyTooLargeError) as error:
            raise HubBusyError(type(error).__name__, self._pause) from error
        if answer.status == 429 or answer.status >= 500:
            asked = retry_after(answer.headers, datetime.now(UTC))
            pause = self._pause if asked is None else timedelta(seconds=asked)
            raise HubBusyError(str(answer.status), min(pause, LONGEST_PAUSE))
        if not 200 <= answer.status < 300:
            raise HubRefusedError(str(answer.status))
