"""The gauges of each subscriber and its partitions, read when somebody scrapes."""

from collections.abc import Collection, Iterable
from typing import Protocol
from weakref import WeakSet

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kit.kafka.breaker import Breaker
from kit.kafka.partition import Partition
from kit.kafka.slots import Slots


class Subscriber(Protocol):
    """What is read of a subscriber."""

    group: str
    breaker: Breaker
    slots: Slots

    def partitions_now(self) -> Collection[Partition]: ...


_PARTITION_GAUGES = {
    "unfinished": "Records delivered and not finished.",
    "uncommitted_span": "Offsets from the committed offset to the last delivery.",
    "stalled_seconds": "How long the committed offset has stood still with unfinished records above it.",
    "lag": "Records between the committed offset and the end of the partition, asked for every few seconds.",
}


class PartitionCollector(Collector):
    def __init__(self) -> None:
        self.subscribers: WeakSet[Subscriber] = WeakSet()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        busy = GaugeMetricFamily("thrive_in_flight", "Attempts running now.", labels=("group",))
        breaker = GaugeMetricFamily(
            "thrive_breaker_state", "0 closed, 1 half open, 2 open: nothing is taken.", labels=("group",)
        )
        gauges = {
            name: GaugeMetricFamily(f"thrive_{name}", text, labels=("group", "topic", "partition"))
            for name, text in _PARTITION_GAUGES.items()
        }
        for subscriber in self.subscribers:
            busy.add_metric((subscriber.group,), subscriber.slots.busy)
            breaker.add_metric((subscriber.group,), subscriber.breaker.state)
            for partition in subscriber.partitions_now():
                labels = (subscriber.group, partition.tp.topic, str(partition.tp.partition))
                gauges["unfinished"].add_metric(labels, partition.tracker.unfinished)
                gauges["uncommitted_span"].add_metric(labels, partition.tracker.span)
                gauges["stalled_seconds"].add_metric(labels, partition.stalled_for)
                gauges["lag"].add_metric(labels, partition.lag)
        yield from (busy, breaker, *gauges.values())


COLLECTOR = PartitionCollector()
REGISTRY.register(COLLECTOR)


def observe(subscriber: Subscriber) -> None:
    """Export the subscriber's gauges for as long as it exists."""
    COLLECTOR.subscribers.add(subscriber)
