"""GET from an upstream that is slow, broken or hostile. No URL, header or body goes into an error or a log line."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, Self

import httpx2
import structlog

from kit.backoff import backoff
from kit.budgets import FREE, Budgets, Charge, Free, Spending
from kit.clock import Clock, utc_now
from kit.errors import UpstreamUnavailableError
from kit.http.exchange import FAILURES, Limits, Response, exchange, origin
from kit.http.retry import retry_after

log = structlog.get_logger(__name__)

FIRST_BACKOFF, MAX_BACKOFF = 0.25, 5.0  # seconds
TRANSIENT = frozenset({500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SAFE_ABROAD = frozenset({"accept"})  # request headers that may follow a redirect to another origin


Ask = Callable[[Mapping[str, str]], Awaitable[Response]]


class Memory(Protocol):
    """Remembers answers. `ask` makes the request, with these headers along."""

    async def answer(self, url: str, accept: str, ask: Ask) -> Response: ...


class Upstream:
    """The outgoing client of a process. Only the origins of `bases` are ever called, redirects included.

    Without `budgets` no call costs anything. `sleep`, `now` and `chance` (in [0, 1)) are there for tests.
    """

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        bases: Iterable[str],
        *,
        limits: Limits | None = None,
        budgets: Budgets | None = None,
        user_agent: str = "thrive-imports",
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Clock = utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.limits = limits or Limits()
        self.now = now
        self._transport = transport
        self._budgets = budgets
        self._origins = frozenset(origin(httpx2.URL(base)) for base in bases)
        self._headers = {"user-agent": user_agent, "accept": "application/json", "accept-encoding": "gzip"}
        self._sleep = sleep
        self._chance = chance
        self._memory: Memory | None = None
        self._spent: Counter[str] | None = None

    def remembering(self, memory: Memory, spent: Counter[str]) -> Self:
        """This client, with `memory` between it and the upstream; the units of its calls are counted in `spent`."""
        client = copy(self)
        client._memory, client._spent = memory, spent
        return client

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def get(
        self,
        url: str,
        *,
        service: str,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        redirects: int = 0,
        cut_at: int | None = None,
        charge: Charge | None = None,
    ) -> Response:
        """Any answer below 500; with `redirects`, up to that many are followed. `cut_at` keeps the first so many bytes.
        Each attempt, and each step of a redirect, costs the `charge`.

        At most three quick retries: connection errors, 500, 502, 503, 504, and a 429 that asks for a few seconds.
        Raises UpstreamUnavailableError when they are used up, BudgetSpentError when the budget is, BodyTooLargeError,
        and ValueError for a foreign URL.
        """
        target = httpx2.URL(url, params=params) if params else httpx2.URL(url)
        if not self._allows(target):
            raise ValueError("not an address of a configured upstream")
        sent = {**self._headers, **{name.lower(): value for name, value in (headers or {}).items()}}
        if charge and self._spent is not None:
            charge = replace(charge, spent=self._spent)

        async def ask(more: Mapping[str, str]) -> Response:
            url, headers = target, {**sent, **more}
            for _ in range(redirects + 1):
                response = await self._persist(url, headers, service, cut_at, charge)
                if not redirects or response.status not in REDIRECTS:
                    return response
                url, headers = self._follow(url, response, headers)
            raise UpstreamUnavailableError(f"{service} redirects too often.")

        return await (self._memory.answer(str(target), sent["accept"], ask) if self._memory else ask({}))

    async def _persist(
        self, url: httpx2.URL, headers: dict[str, str], service: str, cut_at: int | None, charge: Charge | None
    ) -> Response:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.limits.budget
        for attempt in range(self.limits.retries + 1):
            response, asked = None, None
            try:
                async with self._paid(charge) as paid, asyncio.timeout(min(self.limits.total, deadline - clock())):
                    response = await self._once(url, headers, service, cut_at)
                    paid.answered(response)
            except FAILURES as error:
                reason, again = type(error).__name__, True
            else:
                asked = retry_after(response.headers, self.now())
                reason, again = str(response.status), _worth_repeating(response.status, asked)
                if response.status < 500 and not again:
                    return response
            log.info("upstream call failed", upstream=service, reason=reason, attempt=attempt + 1)
            wait = max(asked or 0.0, self._chance() * backoff(attempt, FIRST_BACKOFF, MAX_BACKOFF))
            last = attempt == self.limits.retries or clock() + wait >= deadline
            if last or not again or wait > self.limits.longest_wait:
                break
            await self._sleep(wait)
        if response and response.status < 500:
            return response
        raise UpstreamUnavailableError(
            f"{service} is not available at the moment.",
            retry_at=self.now() + timedelta(seconds=asked) if asked else None,
        )

    async def _once(self, url: httpx2.URL, headers: dict[str, str], service: str, cut_at: int | None) -> Response:
        request = httpx2.Request("GET", url, headers=headers)
        return await exchange(self._transport, request, self.limits, service=service, cut_at=cut_at)

    def _paid(self, charge: Charge | None) -> Spending | Free:
        return Spending(self._budgets, charge) if self._budgets and charge else FREE

    def _follow(
        self, url: httpx2.URL, response: Response, headers: dict[str, str]
    ) -> tuple[httpx2.URL, dict[str, str]]:
        try:
            target = url.join(response.headers.get("location", ""))
        except (httpx2.InvalidURL, ValueError):
            target = httpx2.URL()
        if not self._allows(target) or (url.scheme == "https" and target.scheme != "https"):
            raise UpstreamUnavailableError(f"{response.service} redirects to another site.")
        if origin(target) != origin(url):  # credentials stay at home
            headers = {**self._headers, **{name: headers[name] for name in SAFE_ABROAD & headers.keys()}}
        return target, headers

    def _allows(self, url: httpx2.URL) -> bool:
        return url.scheme in ("http", "https") and not url.userinfo and origin(url) in self._origins


def _worth_repeating(status: int, asked: float | None) -> bool:
    return status in TRANSIENT or (status == 429 and asked is not None)
