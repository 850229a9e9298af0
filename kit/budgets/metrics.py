"""What the budgets tell Prometheus, by bucket. No label ever names an account, a member or a credential."""

from dataclasses import dataclass
from functools import lru_cache

from prometheus_client import Counter, Gauge

SPENT = Counter("thrive_budget_spent", "Units spent on calls, `work` interactive or sync.", ("bucket", "work"))
GIVEN_BACK = Counter(
    "thrive_budget_given_back",
    "Units that were given back, as their calls did not happen or were free.",
    ("bucket", "work"),
)
REFUSED = Counter(
    "thrive_budget_refused",
    "Calls that had to wait: units spent, the upstream's limit reached (limited), or a fair share used up (share).",
    ("bucket", "work", "why"),
)
EXCHANGES = Counter("thrive_budget_exchanges", "Round trips to the budget ledger.", ("bucket", "work"))
LEFT = Gauge("thrive_budget_left", "Units that the application's own credential has left.", ("bucket",))


@dataclass(frozen=True, slots=True)
class PurseMetrics:
    bucket: str
    work: str
    spent: Counter
    given_back: Counter
    exchanges: Counter
    left: Gauge

    def refused(self, why: str) -> None:
        REFUSED.labels(self.bucket, self.work, why).inc()


@lru_cache
def of(bucket: str, work: str) -> PurseMetrics:
    labels = (bucket, work)
    return PurseMetrics(
        bucket, work, SPENT.labels(*labels), GIVEN_BACK.labels(*labels), EXCHANGES.labels(*labels), LEFT.labels(bucket)
    )
