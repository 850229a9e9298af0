"""One consuming process of the contract suite: `python -m tests.e2e.kafka.member CONFIG`, ends on SIGTERM.

It handles numbered events, each for as long as the event says on average, writes what it does to a journal (one line
each, appended, so that `kill -9` loses none), and publishes every event to a second topic. Some it dies of.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from kit.kafka import keyed, make_broker
from kit.settings import KafkaSettings, KeyedSettings
from tests.unit.kafka.fakes import Numbered, RecordingFailures


class Journal:
    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, what: str, n: int = -1) -> None:
        os.write(self._fd, f"{what} {os.getpid()} {n}\n".encode())


class Told(RecordingFailures):
    """Journals whose owners were told."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    async def fail(self, record: "ConsumerRecord[Any, Any]", error: BaseException) -> None:
        await super().fail(record, error)
        self._journal.write("told", json.loads(record.value)["n"])


class Transient(ConnectionError):
    def __init__(self, retry_after: float | None) -> None:
        self.retry_after = retry_after


async def run(config: dict[str, Any]) -> None:
    journal = Journal(Path(config["journal"]))
    broker = make_broker(KafkaSettings(kafka_bootstrap_servers=config["bootstrap"]), client_id="member")
    subscribe = keyed(
        broker, config["topic"], group_id=config["group"], stage=config["stage"],
        settings=KeyedSettings(**config["settings"]), failures=Told(journal),
        events={config["topic"]: Numbered},
    )  # fmt: skip
    failing, failures_left = set(config["fail"]), set(config["fail_once"])
    deadly = set(config["deadly"])

    @subscribe
    @broker.publisher(config["out"], schema=Numbered)
    async def handle(event: Numbered) -> Numbered:
        journal.write("start", event.n)
        mean = config["mean_seconds"]
        await asyncio.sleep(random.lognormvariate(0, 1) * mean / 1.65 if mean else 0)
        if event.n in deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if event.n in failing | failures_left:
            failures_left.discard(event.n)
            journal.write("retry", event.n)
            raise Transient(config["retry_after"])
        journal.write("end", event.n)
        return event

    listener: Any = subscribe._listener
    announce = listener.on_partitions_assigned

    async def announce_late(tps: Collection[TopicPartition]) -> None:
        """As where the coordinator is slow to tell how far the group has come."""
        await asyncio.sleep(config["assigned_late"])
        await announce(tps)

    listener.on_partitions_assigned = announce_late

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await broker.start()
    journal.write("ready")
    await stop.wait()
    await broker.stop()
    journal.write("stopped")


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))
