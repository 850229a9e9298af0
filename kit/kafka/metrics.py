"""What the keyed subscriber tells Prometheus. Never labelled by key, URL or error text.

Counters and histograms are fed as things happen; the gauges of each partition are read when somebody scrapes.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from weakref import WeakSet

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from kit.kafka.subscriber import KeyedSubscriber

HANDLER_SECONDS = Histogram(
    "thrive_handler_seconds",
    "Time that one attempt took, its publishes included.",
    ("group", "topic"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
EVENT_AGE_SECONDS = Histogram(
    "thrive_event_age_seconds",
    "Time from an event's publication to the end of its handling.",
    ("group", "topic"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800),
)
OUTCOMES = Counter(
    "thrive_outcomes", "Attempts by outcome: done, retry, defer, fail, park, hold.", ("group", "outcome")
)
DEAD_LETTERS = Counter("thrive_dead_letters", "Records parked in the dead letters.", ("group", "topic", "reason"))
COMMIT_FAILURES = Counter("thrive_commit_failures", "Commits that Kafka did not take.", ("group",))
POLL_FAILURES = Counter("thrive_poll_failures", "Polls that failed instead of bringing records.", ("group",))
PUBLISH_FAILURES = Counter(
    "thrive_publish_failures",
    "Publications that Kafka did not take: broken (the producer's numbering), refused, away, no_answer.",
    ("why",),
)
RENEWALS = Counter("thrive_producer_renewals", "Producers replaced, for their numbering or their silence.", ("why",))
OFFSETS_MOVED = Counter(
    "thrive_offsets_moved",
    "Partitions that were not read on where the group had stopped: beyond_end, below_start, no_offset.",
    ("group", "topic", "why"),
)
OWNERS_LOST = Counter(
    "thrive_owners_lost", "Partitions taken up whose last owner had not let go of them: it died.", ("group", "topic")
)

SUBSCRIBERS: "WeakSet[KeyedSubscriber]" = WeakSet()

_PARTITION_GAUGES = {
    "unfinished": "Records delivered and not finished.",
    "uncommitted_span": "Offsets from the committed offset to the last delivery.",
    "stalled_seconds": "How long the committed offset has stood still with unfinished records above it.",
    "lag": "Records between the committed offset and the end of the partition, asked for every few seconds.",
}


class PartitionCollector(Collector):
    def collect(self) -> Iterable[GaugeMetricFamily]:
        busy = GaugeMetricFamily("thrive_in_flight", "Attempts running now.", labels=("group",))
        breaker = GaugeMetricFamily(
            "thrive_breaker_state", "0 closed, 1 half open, 2 open: nothing is taken.", labels=("group",)
        )
        gauges = {
            name: GaugeMetricFamily(f"thrive_{name}", text, labels=("group", "topic", "partition"))
            for name, text in _PARTITION_GAUGES.items()
        }
        for subscriber in SUBSCRIBERS:
            busy.add_metric((subscriber.group,), subscriber.slots.busy)
            breaker.add_metric((subscriber.group,), subscriber.breaker.state)
            for partition in subscriber.partitions_now():
                labels = (subscriber.group, partition.tp.topic, str(partition.tp.partition))
                gauges["unfinished"].add_metric(labels, partition.tracker.unfinished)
                gauges["uncommitted_span"].add_metric(labels, partition.tracker.span)
                gauges["stalled_seconds"].add_metric(labels, partition.stalled_for)
                gauges["lag"].add_metric(labels, partition.lag)
        yield from (busy, breaker, *gauges.values())


REGISTRY.register(PartitionCollector())
