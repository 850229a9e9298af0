"""`python -m bench.growth`: what everyday operations cost as projects, imports and sources grow a hundredfold.

Each operation is timed in process on the embedded MongoDB, or that of MONGODB_URL, at each size in turn: the median of
many runs, and its ratio to the median at the smallest size. Everything fits into memory, so a ratio near 1 says that
an operation reads as much as it needs, and no more.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench.growth_records import NOW, fill, project, share
from deploy.local import Mongo, Runner, free_port
from kit.mongo import Database, connect
from kit.settings import MongoSettings
from records.import_queue import unpublished
from records.indexes import ensure_indexes
from records.point_totals import total_points
from records.projects import narrowed
from records.sources.dispatch import to_emit
from records.task_lists import newest, newest_tasks
from schemas.content import Content, Project
from schemas.events import ProjectDrafted
from services.gateway.imports.lookups import Lookups
from services.gateway.web.pagination import newest_first
from services.scheduler.finding import held, stalled
from services.scheduler.followed import changed_feeds, writes
from services.writer.store import ProjectStore

RUNS = 21
LARGEST_RATIO = 2.0
Operation = Callable[[Database, int], Awaitable[object]]


async def _explore(db: Database, **facets: str) -> object:
    query = {"shown": True, **narrowed(**facets)}
    return await newest_first(db["projects"], query, by="created_at", limit=20, cursor=None)


async def _rename(db: Database, size: int) -> object:
    """A sight of a renamed project by the link that it had before."""
    number = share(size) // 2
    facts = project("prolific", number, "of-one")
    drafted = Project.model_validate(
        {**facts, "content": Content(), "seen_at": NOW - timedelta(days=4_000), "external_id": ""}
    )
    url = f"https://example.org/before/of-one/{number}"
    event = ProjectDrafted(id=uuid4(), import_id=uuid4(), user_id="prolific", url=url, project=drafted)
    return await ProjectStore(db).save(event)


async def _sweep(db: Database, size: int) -> object:
    feeds, _ = await changed_feeds(db, ["youtube"], datetime.now(UTC) - timedelta(minutes=1), 1_000)
    return await writes(db, feeds, datetime.now(UTC))


async def _remove_agent(db: Database, size: int) -> object:
    for name in ("imports", "batches", "projects", "points"):
        await db[name].delete_many({"user_id": "nobody"})
    return None


async def _page_of(db: Database, collection: str, by: str) -> object:
    return await newest_first(db[collection], {"user_id": "prolific"}, by=by, limit=20, cursor=None)


def _unpublished(db: Database, size: int) -> Awaitable[object]:
    return unpublished(db, datetime.now(UTC), timedelta(seconds=3), 200)


OPERATIONS: Mapping[str, Operation] = {
    "explore, the newest (behind many hidden projects)": lambda db, _: _explore(db),
    "explore, one filter": lambda db, _: _explore(db, technology="Rust"),
    "explore, two filters that never meet": lambda db, _: _explore(db, technology="Rust", platform="youtube"),
    "explore, three filters that never meet": lambda db, _: _explore(
        db, type="tool", technology="Rust", platform="youtube"
    ),
    "a member's page as others see it": lambda db, _: newest_first(
        db["projects"], {"user_id": "hidden", "shown": True}, by="created_at", limit=20, cursor=None
    ),
    "the projects of a member with many": lambda db, _: _page_of(db, "projects", "created_at"),
    "the points of a member with many": lambda db, _: _page_of(db, "points", "awarded_at"),
    "their sum": lambda db, _: total_points(db, "prolific"),
    "a member's tasks": lambda db, _: newest_tasks(db, "busy"),
    "everybody's newest imports": lambda db, _: newest(db),
    "accepting an import of a busy member": lambda db, _: Lookups(db)("busy", "https://example.org/new"),
    "the relay: unpublished": _unpublished,
    "the relay: held": lambda db, _: held(db, 50, 200),
    "the relay: stalled": lambda db, _: stalled(db, datetime.now(UTC), timedelta(minutes=10), 200),
    "sources that are due": lambda db, _: (
        db.sources.find(to_emit(datetime.now(UTC), ["interval"])).sort("emit_at", 1).limit(20).to_list()
    ),
    "the sweep of subscriptions": _sweep,
    "a renamed project, by its former link": _rename,
    "the removal of an agent": _remove_agent,
}


async def measure(dbs: Mapping[int, Database]) -> dict[str, list[float]]:
    """Milliseconds, by operation and size: medians. Each run takes the sizes in turn, so that a machine that is slower
    for a while is slower for all of them; the first run is not counted."""
    medians = {}
    for name, operation in OPERATIONS.items():
        times: dict[int, list[float]] = {size: [] for size in dbs}
        for _ in range(RUNS + 1):
            for size, db in dbs.items():
                begin = time.perf_counter()
                await operation(db, size)
                times[size].append((time.perf_counter() - begin) * 1_000)
        medians[name] = [statistics.median(one[1:]) for one in times.values()]
    return medians


async def grow(url: str, sizes: list[int], console: Console) -> dict[str, list[float]]:
    dbs: dict[int, Database] = {}
    try:
        for size in sizes:
            name = f"thrive-growth-{os.getpid()}-{size}"
            db = dbs[size] = connect(MongoSettings(mongodb_url=SecretStr(url), mongodb_database=name))
            await ensure_indexes(db)
            begin = time.monotonic()
            with console.status(f"Writing {size:,} projects, imports and sources …"):
                await fill(db, size)
            console.print(f"{size:>9,} of each, written in {time.monotonic() - begin:.0f} s")
        with console.status("Measuring …"):
            return await measure(dbs)
    finally:
        for db in dbs.values():
            await db.client.drop_database(db.name)
            await db.client.close()


def report(sizes: list[int], found: Mapping[str, list[float]], console: Console) -> bool:
    """True if nothing grows by more than `LARGEST_RATIO`."""
    table = Table("operation", *(f"{size:,}" for size in sizes), "ratio", title="Milliseconds, medians")
    grown = []
    for name, times in found.items():
        ratio = times[-1] / times[0]
        if ratio > LARGEST_RATIO:
            grown.append(name)
        table.add_row(name, *(f"{value:.2f}" for value in times), f"{ratio:.2f}", style="red" if name in grown else "")
    console.print(table)
    told = (
        f"Above {LARGEST_RATIO}: {', '.join(grown)}." if grown else f"No operation takes {LARGEST_RATIO} times as long."
    )
    console.print(told)
    return not grown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--most", type=int, default=1_000_000, help="the largest size (1,000,000: about ten minutes)")
    sizes = [size for size in (10_000, 100_000, 1_000_000) if size <= parser.parse_args().most]
    console = Console(highlight=False)
    with ExitStack() as stack:
        if not (url := os.environ.get("MONGODB_URL", "")):
            folder = Path(tempfile.mkdtemp(prefix="thrive-growth-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            url = stack.enter_context(Runner(Mongo(folder / "mongodb", free_port()))).address
        found = asyncio.run(grow(url, sizes, console))
        ok = report(sizes, found, console)
    raise SystemExit(0 if ok else 1)


if __name__ == "__main__":
    main()
