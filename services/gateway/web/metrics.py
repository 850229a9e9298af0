"""The gateway's own metrics. No label ever names a user, a link or an id."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("thrive_gateway_requests", "Answers, by route template.", ["route", "method", "status"])
LATENCY = Histogram(
    "thrive_gateway_request_duration_seconds",
    "From the request to the first byte of its answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
ACCEPTS = Counter(
    "thrive_gateway_accepts",
    "Import requests, by outcome: released, held (over the member's share), repeated, running, duplicate, "
    "limited (over the member's hourly limit).",
    ["outcome"],
)
PUBLISH_FAILURES = Counter(
    "thrive_gateway_publish_failures", "Accepted imports that the gateway could not publish; the relay publishes them."
)
OAUTH_FLOWS = Counter(
    "thrive_gateway_oauth_flows", "OAuth flows: begun, finished, or why they were refused.", ["outcome"]
)
PUSHES = Counter(
    "thrive_gateway_pushes",
    "Deliveries of hubs and of GitHub, by outcome: requested (a sync), repeated, unfollowed, irrelevant, foreign, "
    "unreadable, unsigned, unknown (no such subscription).",
    ["sender", "outcome"],
)
REFUSED_STREAMS = Counter(
    "thrive_gateway_streams_refused",
    "Status streams and waiting requests that were refused, by whose limit was reached: member, address, process.",
    ["whose"],
)
FOLLOWERS = Gauge("thrive_gateway_followers", "Status streams and waiting requests that are open.")
