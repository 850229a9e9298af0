"""Prometheus counters and histograms of the Kafka client. Never labelled by key, URL or error text."""

from prometheus_client import Counter, Histogram

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
