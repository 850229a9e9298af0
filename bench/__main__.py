"""`python -m bench`: both stacks side by side on the embedded engines, in interleaved rounds."""

import argparse
import asyncio
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from pymongo import AsyncMongoClient
from rich.console import Console

from bench import measures
from bench.load import Ends, Load, final_topics
from bench.measures import Bench, percentile
from bench.report import Report, Target
from bench.stacks import GATEWAY, STAGES, BenchError, Member, Stack, bare, ours
from deploy.local import EngineError, Kafka, Mongo, Runner, free_port
from kit.kafka import ensure_topics
from kit.settings import KafkaSettings
from sandbox.client import SandboxClient
from sandbox.environment import environment as upstreams
from schemas.journey import TOPICS, Topic

LOCAL = Path(".local")
FOLDER = LOCAL / "bench"
WARM_UP = 50
TURNS, TURN_SECONDS = 3, 2.5  # at the rate of `measures.RATE`; twice the turns in a full run
START_SECONDS = 60
FAST, SLOW = (0.0, 0.0), (0.2, 1.5)  # seconds of a call to GitHub and to the model
SPEED = {FAST: Target(0.6, at_least=True), SLOW: Target(0.8, at_least=True)}
ADDED = Target(1.3)
REPEATED, NONE = Target(2, absolute=True), Target(0, absolute=True)  # percent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round with fewer imports, about 1.5 minutes")
    parser.add_argument("--imports", type=int, help="imports of one throughput measurement (600; quick: 300)")
    parser.add_argument("--rounds", type=int, help="rounds of this pipeline and the baseline in turn (3; quick: 1)")
    parser.add_argument(
        "--only",
        choices=("ours", "floor"),
        help="measure only this pipeline (ours) or only the baseline (floor), to profile it",
    )
    chosen = parser.parse_args()
    chosen.imports = chosen.imports or (300 if chosen.quick else 600)
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 3)
    return chosen


class Run:
    def __init__(self, options: argparse.Namespace, bench: Bench, stacks: list[Stack], console: Console) -> None:
        self.options, self.bench, self.stacks, self.console = options, bench, stacks, console
        self.report = Report()

    async def everything(self) -> None:
        for stack in self.stacks:
            self.console.print(f"Warming up {stack.name} …")
            await self.bench.saturation(stack, WARM_UP)
        for number in range(self.options.rounds):
            for upstream in (FAST, SLOW):
                await self.bench.sandbox.latency(github=upstream[0], openai=upstream[1])
                label = f"{upstream[0] * 1000:.0f} ms"
                self.console.print(f"Round {number + 1}, upstreams at {label}: ten imports a second …")
                await self.latency(upstream, label)
                for stack in self.stacks:
                    self.console.print(f"Round {number + 1}, upstreams at {label}: saturation, {stack.name} …")
                    await self.throughput(stack, upstream, label)
        await self.bench.sandbox.latency(github=SLOW[0], openai=SLOW[1])
        for stack in self.stacks:
            self.console.print(f"kill -9 of the analyzer, {stack.name} …")
            await self.kill(stack)
        for stack in self.stacks:
            stack.stop(*(name for name in stack.members if name != GATEWAY))
        for number in range(self.options.rounds):
            for stack in self.stacks:
                self.console.print(f"Round {number + 1}, front door, {stack.name} …")
                rate = await self.bench.accepts(stack, self.options.imports * 2)
                self.report.add("accepts at the front door", "1/s", stack.name, rate)

    async def throughput(self, stack: Stack, upstream: tuple[float, float], label: str) -> None:
        result = await self.bench.saturation(stack, self.options.imports)
        add = self.report.add
        add(f"imports at saturation, {label}", "1/s", stack.name, result.per_second, SPEED[upstream])
        if upstream == FAST:
            add("CPU of an import, all processes", "ms", stack.name, sum(result.cpu_ms.values()))
            for name in (*STAGES, *sorted(result.cpu_ms.keys() - set(STAGES))):
                if name in result.cpu_ms:
                    add(f"  {name}", "ms", stack.name, result.cpu_ms[name])
        add("memory of all processes", "MiB", stack.name, result.rss_mib)

    async def latency(self, upstream: tuple[float, float], label: str) -> None:
        """In short turns, so that each has the machine to itself and whatever disturbs it touches both alike."""
        times: dict[str, list[float]] = {stack.name: [] for stack in self.stacks}
        for _ in range(TURNS * (1 if self.options.quick else 2)):
            for stack in self.stacks:
                times[stack.name] += await self.bench.end_to_end(stack, round(TURN_SECONDS * measures.RATE))
        waited = sum(upstream)
        for name, measured in times.items():
            for percent in (50, 99):
                added = (percentile(measured, percent) - waited) * 1_000
                self.report.add(f"added latency p{percent} at 10/s, {label}", "ms", name, added, ADDED)

    async def kill(self, stack: Stack) -> None:
        count = max(200, self.options.imports // 2)
        result = await self.bench.kill(stack, count)
        share = 100 / count
        add = self.report.add
        add("answered model calls repeated after kill -9", "%", stack.name, result.answered * share, REPEATED)
        add("  with those that were under way", "%", stack.name, result.repeated * share)
        add("imports lost after kill -9", "%", stack.name, result.lost * share, NONE)


async def bench(options: argparse.Namespace, folder: Path, environment: Mapping[str, str], sandbox: str) -> Report:
    console = Console()
    both = [ours(environment, folder), bare(environment, folder)]
    stacks = [stack for stack in both if options.only in (None, stack.name)]
    await prepare(environment, stacks)
    bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]
    async with AsyncExitStack() as resources:
        client = await resources.enter_async_context(SandboxClient(sandbox))
        http = await resources.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        load = Load(bootstrap, http)
        ends = Ends(bootstrap, [topic for stack in stacks for topic in final_topics(stack.prefix)])
        for part in (load, ends):
            resources.push_async_callback(part.stop)
            await part.start()
        for stack in stacks:
            resources.callback(stack.stop)
            stack.start()
        for stack in stacks:
            await open_door(stack, http)
        run = Run(options, Bench(load, ends, client), stacks, console)
        await run.everything()
        await resources.aclose()
        console.print()
        await check_results(environment, stacks, ends)
        console.print(run.report.table(f"{options.imports} imports a measurement, {options.rounds} round(s)"))
        return run.report


async def prepare(environment: Mapping[str, str], stacks: list[Stack]) -> None:
    """Topics and the floor's own index; ours makes the rest itself."""
    settings = KafkaSettings(kafka_bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"])
    for stack in stacks:
        named = (Topic(stack.prefix + t.name, t.partitions, t.retention, t.max_message_bytes) for t in TOPICS)
        await ensure_topics(settings, list(named))
    mongo: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(environment["MONGODB_URL"])
    async with mongo:
        await mongo["floor"].projects.create_index([("user_id", 1), ("external_url", 1)], unique=True)


async def open_door(stack: Stack, http: aiohttp.ClientSession) -> None:
    """Until the stack's gateway answers anything."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        stack.check()
        try:
            async with http.get(f"{stack.door}/readyz"):
                return
        except aiohttp.ClientError as error:
            if time.monotonic() > deadline:
                raise BenchError(f"the gateway of {stack.name} does not answer") from error
            await asyncio.sleep(0.1)


async def check_results(environment: Mapping[str, str], stacks: list[Stack], ends: Ends) -> None:
    """A fast run that did not do its work counts for nothing: each import that ended left its project and points."""
    mongo: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(environment["MONGODB_URL"])
    async with mongo:
        projects = [await mongo[stack.database].projects.count_documents({}) for stack in stacks]
        points = [await mongo[stack.database].points.count_documents({}) for stack in stacks]
    if sum(projects) != len(ends.at) or sum(points) != len(ends.at):
        raise BenchError(f"{len(ends.at)} imports ended, but there are {projects} projects and {points} ledger entries")


def start_sandbox(folder: Path, resources: ExitStack) -> str:
    port = free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port)]
    sandbox = Member("sandbox", command, os.environ, folder / "sandbox.log")
    sandbox.start()
    resources.callback(sandbox.stop)
    return f"http://127.0.0.1:{port}"


def main() -> None:
    options = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics have no leader for a moment
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=FOLDER))
    started = time.monotonic()
    try:
        with ExitStack() as resources:
            jars = LOCAL / "kafka" / "jars"
            kafka = resources.enter_context(Runner(Kafka(folder / "kafka", free_port(), free_port(), jars_dir=jars)))
            mongo = resources.enter_context(Runner(Mongo(folder / "mongodb", free_port())))
            sandbox = start_sandbox(folder, resources)
            engines = {"KAFKA_BOOTSTRAP_SERVERS": kafka.address, "MONGODB_URL": mongo.address}
            report = uvloop.run(bench(options, folder, {**os.environ, **engines, **upstreams(sandbox)}, sandbox))
    except (BenchError, EngineError) as error:
        sys.exit(f"{error}\nLogs are in {folder}.")
    except (KeyboardInterrupt, subprocess.SubprocessError):
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(130)
    result = {
        "imports": options.imports,
        "rounds": options.rounds,
        "cores": os.cpu_count(),
        "rows": [row.as_json() for row in report.rows.values()],
    }
    (FOLDER / "last.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{time.monotonic() - started:.0f} s on {os.cpu_count()} cores. Written to {FOLDER / 'last.json'}.")


if __name__ == "__main__":
    main()
