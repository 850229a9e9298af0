"""The admin API for tests, so that they read well.

async with SandboxClient("http://127.0.0.1:9100") as sandbox:
    await sandbox.fault("github", path="/repos/a/b", status=503, times=2)
    …
    assert await sandbox.calls("openai") == 1
"""

from collections.abc import Sequence
from typing import Any, Self

import aiohttp

from sandbox.changing_client import ChangingClient
from sandbox.environment import environment
from sandbox.links import Link


class SandboxClient(ChangingClient):
    """`url` is the sandbox's address without a path. Every method raises `ValueError` for what the sandbox refuses."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # A change waits for what it pushes.
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def environment(self) -> dict[str, str]:
        """The settings that point an importer here: GITHUB_API_URL and its like."""
        return environment(self.url)

    async def overview(self) -> dict[str, Any]:
        return await self._do("GET", "")

    async def links(self) -> list[Link]:
        answer = await self._do("GET", "/links")
        return [Link(**link) for link in answer["links"]]

    async def latency(self, **seconds: float) -> None:
        """By upstream: `latency(github=0.2, openai=1.5)`."""
        await self._do("PUT", "/latency", seconds)

    async def limit(
        self, upstream: str, *, authenticated: int = 5_000, anonymous: int = 60, window: float | None = None
    ) -> None:
        """Calls per caller and `window` seconds from now on, everybody's budget fresh.

        Without a window, as the service counts: an hour from the first call, the Pacific day at YouTube.
        """
        body = {"authenticated": authenticated, "anonymous": anonymous, "window": window}
        await self._do("PUT", f"/limits/{upstream}", body)

    async def spent(self, upstream: str) -> dict[str, dict[str, int]]:
        """{caller: {limit, reset, used, refused}} of the window that each caller is in; `refused` were too many."""
        found: dict[str, dict[str, int]] = await self._do("GET", f"/limits/{upstream}")
        return found

    async def fault(self, upstream: str, kind: str = "error", **rule: Any) -> int:
        """Adds a rule and returns its id.

        `kind` is `error` (with `status`), `delay`, `timeout`, `reset`, `truncated`, `slow`, `flood`, `garbage`, or a
        named answer of the upstream (its `errors.py`). `rule` holds fields of `sandbox.faults.Rule`: path, contains,
        times, probability and seed, delay, status, retry_after, reset_in, body, headers.
        """
        answer = await self._do("POST", "/faults", {"upstream": upstream, "kind": kind, **rule})
        return int(answer["id"])

    async def heal(self, rule_id: int | None = None) -> None:
        """Removes one rule, or all."""
        await self._do("DELETE", "/faults" if rule_id is None else f"/faults/{rule_id}")

    async def hits(self, rule_id: int) -> int:
        """How many calls fell under a rule."""
        rules = (await self.overview())["faults"]
        return next((int(rule["hits"]) for rule in rules if rule["id"] == rule_id), 0)

    async def calls(self, upstream: str, endpoint: str | None = None, *, contains: str = "") -> int:
        """Calls since the start or reset; with `contains` those among the latest whose text holds it."""
        if contains:
            return len([one for one in await self.recent(upstream, contains) if endpoint in (None, one["endpoint"])])
        return await self._counted(upstream, endpoint, "count")

    async def repeated(self, upstream: str, endpoint: str | None = None) -> int:
        """Calls that were the same, to the letter, as an earlier one."""
        return await self._counted(upstream, endpoint, "count") - await self._counted(upstream, endpoint, "distinct")

    async def asked_again(self, upstream: str, endpoint: str | None = None) -> int:
        """Those of the repeated calls that had been answered: not the ones whose caller died while it waited."""
        return await self._counted(upstream, endpoint, "again")

    async def recent(self, upstream: str = "", contains: str = "") -> list[dict[str, str]]:
        """The latest calls, oldest first: upstream, endpoint, text (request line and body)."""
        query = f"?upstream={upstream}" + (f"&contains={contains}" if contains else "")
        calls: list[dict[str, str]] = (await self._do("GET", f"/calls{query}"))["calls"]
        return calls

    async def forget_calls(self) -> None:
        await self._do("DELETE", "/calls")

    async def consent(
        self, member: str, provider: str = "*", *, deny: bool = False, without: Sequence[str] = ()
    ) -> None:
        """From now on this member (mira, juniper, hoshi) decides without being shown the page."""
        await self._do("PUT", f"/consents/{provider}", {"member": member, "deny": deny, "without": list(without)})

    async def grants(self) -> list[dict[str, Any]]:
        """What members allowed, oldest first: provider, member, scopes, revoked, refreshes."""
        found: list[dict[str, Any]] = (await self._do("GET", "/grants"))["grants"]
        return found

    async def expire_tokens(self, provider: str = "", member: str = "") -> int:
        """Access tokens are too old now, refresh tokens stay good. Returns how many tokens."""
        return int((await self._do("POST", "/grants/expire", {"provider": provider, "member": member}))["ended"])

    async def revoke_grants(self, provider: str = "", member: str = "") -> int:
        """As if the member had withdrawn it at the provider: 401, and `invalid_grant`. Returns how many grants."""
        return int((await self._do("POST", "/grants/revoke", {"provider": provider, "member": member}))["ended"])

    async def secrets(self) -> list[str]:
        """Every code, token and client secret there ever was."""
        found: list[str] = (await self._do("GET", "/secrets"))["secrets"]
        return found

    async def advance(self, seconds: float) -> None:
        """The sandbox's clock: tokens expire, budgets begin anew."""
        await self._do("PUT", "/clock", {"advance": seconds})

    async def reset(self) -> None:
        """Everything as it was started."""
        await self._do("POST", "/reset")

    async def _counted(self, upstream: str, endpoint: str | None, what: str) -> int:
        endpoints: dict[str, dict[str, int]] = (await self._do("GET", "/calls")).get(upstream, {})
        return sum(counts[what] for name, counts in endpoints.items() if endpoint in (None, name))

    async def _do(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("use `async with`")
        async with self._session.request(method, f"{self.url}/_sandbox{path}", json=body) as response:
            answer: dict[str, Any] = await response.json()
            if response.status != 200:
                raise ValueError(answer["error"])
            return answer
