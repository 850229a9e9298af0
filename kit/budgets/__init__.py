"""What upstreams allow, shared by all processes: one ledger in MongoDB, and small blocks of it in each process."""

from kit.budgets.bucket import Bucket, Charge, Reading, Slots, after, every

__all__ = ["Bucket", "Charge", "Reading", "Slots", "after", "every"]
