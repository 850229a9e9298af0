"""What upstreams allow, shared by all processes: one ledger in MongoDB, and small blocks of it in each process."""

from kit.budgets.bucket import ANONYMOUS, APP, Bucket, Charge, Reading, Slots, after, every
from kit.budgets.budgets import Budgets
from kit.budgets.spending import FREE, Free, Spending

__all__ = [
    "ANONYMOUS",
    "APP",
    "FREE",
    "Bucket",
    "Budgets",
    "Charge",
    "Free",
    "Reading",
    "Slots",
    "Spending",
    "after",
    "every",
]
