"""A fetching process for `test_quota`: takes orders as lines of JSON, answers each with what it has done.

An order is {ahead, jobs: [first, beyond]} for new work, or {ahead} for what is due; `ahead` moves its clock, in
seconds. What the budget does not allow goes to the deferred store, as in the fetcher.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import uvloop

from integrations.credentials import Credentials
from integrations.registry import IntegrationSettings, build_registry
from kit.errors import RateLimitError
from kit.http import open_transport
from kit.mongo import connect
from kit.settings import MongoSettings
from kit.upstream import Upstream
from records import deferred
from records.budgets import open_budgets
from tests.unit.kit.records import record

URL = "https://youtube.com/watch?v=sbxTidePool"
MEMBERS = 10
AT_ONCE = 40


@dataclass
class Outcome:
    done: int = 0
    deferred: int = 0


class Worker:
    def __init__(self) -> None:
        self.ahead = timedelta()
        self.db = connect(MongoSettings())
        self.budgets = open_budgets(self.db, clock=self.now)
        self.registry = build_registry(IntegrationSettings())
        self.http = Upstream(open_transport(), self.registry.bases, budgets=self.budgets, now=self.now)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def obey(self, order: dict[str, Any]) -> Outcome:
        self.ahead = timedelta(seconds=order["ahead"])
        if "jobs" in order:
            return await self._all(range(*order["jobs"]))
        outcome = Outcome()
        while messages := await deferred.claim(self.db, self.now()):
            did = await self._all(int(message["value"]) for message in messages)
            outcome = Outcome(outcome.done + did.done, outcome.deferred + did.deferred)
            await deferred.mark_sent(self.db, messages)
        return outcome

    async def _all(self, jobs: Iterable[int]) -> Outcome:
        found: Counter[bool] = Counter()
        waiting = iter(jobs)

        async def work() -> None:
            for job in waiting:
                found[await self._fetch(job)] += 1

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return Outcome(done=found[True], deferred=found[False])

    async def _fetch(self, job: int) -> bool:
        credentials = Credentials(user_id=f"member {job % MEMBERS}")
        try:
            await self.registry.get("youtube").fetch(self.registry.recognise(URL).ref, self.http, credentials)
        except RateLimitError as error:
            again = record(str(job).encode(), offset=self._offset(job))
            await deferred.defer(self.db, again, due_at=error.retry_at or self.now(), reason=error.error_code)
            return False
        return True

    def _offset(self, job: int) -> int:
        """Another one each time, as a message that is published again has it."""
        return job * 1_000 + int(self.ahead / timedelta(hours=12))

    async def aclose(self) -> None:
        await self.budgets.aclose()
        await self.http.aclose()
        await self.db.client.close()


async def main(read_line: Callable[[], Awaitable[str]]) -> None:
    worker = Worker()
    while line := await read_line():
        outcome = await worker.obey(json.loads(line))
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
        sys.stdout.flush()
    await worker.aclose()


if __name__ == "__main__":
    uvloop.run(main(lambda: asyncio.to_thread(sys.stdin.readline)))
