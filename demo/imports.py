"""The demonstration's imports: links pasted through the public HTTP API and followed to their ends."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from sandbox.links import COMPLETED, LINKS, Link

API = "/api/v1"
DUPLICATE = "already imported"
UNFINISHED = "unfinished"
EXPECTED_FAILURES = 2
MEMBER = "mira"  # of the sandbox, whose accounts the demonstration connects
PRIVATE = Link("https://github.com/mira-example/night-ferry", why="private: seen with its owner's connection only")


@dataclass
class Import:
    """One row of the demonstration."""

    link: Link
    outcome: str = ""  # completed, failed:{error_code}, `DUPLICATE`; empty while under way
    progress: int = 0  # percent
    message: str = ""  # what its stage is doing
    error: str = ""
    project_id: str = ""
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0

    @property
    def as_expected(self) -> bool:
        return self.outcome == self.link.outcome or (self.outcome == DUPLICATE and self.link.outcome == COMPLETED)


Changed = Callable[[Import], None]


def demo_links() -> list[Link]:
    """A dozen that succeed, a private one of the connected account's own, and a few that must fail."""
    failures = [link for link in LINKS if link.expected_failure][:EXPECTED_FAILURES]
    return [*(link for link in LINKS if link.demo), PRIVATE, *failures]


async def import_all(
    client: httpx2.AsyncClient, links: Iterable[Link], changed: Changed, seconds: float = 120
) -> list[Import]:
    """All at once; `changed` hears of every step. What has not ended after `seconds` is `UNFINISHED`."""
    imports = [Import(link) for link in links]
    await asyncio.gather(*(_import(client, one, changed, seconds) for one in imports))
    return imports


async def _import(client: httpx2.AsyncClient, one: Import, changed: Changed, seconds: float) -> None:
    changed(one)
    try:
        async with asyncio.timeout(seconds):
            await _submit_and_follow(client, one, changed)
    except TimeoutError:
        one.outcome, one.error = UNFINISHED, f"no end after {seconds:.0f} s"
    except (httpx2.HTTPError, ValueError) as error:
        one.outcome, one.error = UNFINISHED, f"the gateway does not answer: {type(error).__name__}"
    one.seconds = time.monotonic() - one.started
    changed(one)


async def _submit_and_follow(client: httpx2.AsyncClient, one: Import, changed: Changed) -> None:
    answer = await client.post(f"{API}/integrations/import/", json={"url": one.link.url})
    body = answer.json()
    if answer.status_code == 409:
        one.outcome, one.progress, one.message = DUPLICATE, 100, "In the portfolio already"
    elif answer.status_code != 202:
        one.outcome, one.error = f"failed:{body.get('error_code', answer.status_code)}", str(body.get("error", ""))
    while not one.outcome:
        try:
            async with client.stream("GET", body["events_url"]) as events:
                async for line in events.aiter_lines():
                    if line.startswith("data:"):
                        _apply(one, json.loads(line[5:]))
                        if not one.outcome:  # the end is told once, with its time
                            changed(one)
        except httpx2.TransportError:
            await asyncio.sleep(0.5)  # a stream may break; the next one begins with the current state


def _apply(one: Import, status: dict[str, Any]) -> None:
    one.progress, one.message = status["progress"], status.get("message", one.message)
    if status["status"] == "completed":
        one.outcome, one.project_id = COMPLETED, status["result"]["project_id"]
    elif status["status"] == "failed":
        one.outcome, one.error = f"failed:{status['error_code']}", status["error"]
