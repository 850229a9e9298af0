"""Choose which imports the relay takes up, and in what order. Pure: records and the time in, decisions out."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import zip_longest

from records.imports import ImportRecord


def quiet_until(record: ImportRecord, after: timedelta) -> datetime:
    """Return when this import will have made no progress for so long, not counting a wait for a known time."""
    moved = record["updated_at"]
    return max(moved, record.get("deferred_until", moved)) + after


def to_release(waiting: list[ImportRecord], in_flight: dict[str, int], per_user: int) -> list[ImportRecord]:
    """Whose imports go next: interactive before bulk, then in turn over the members, oldest first.

    No member gets more than `per_user` in flight.
    """
    by_user: dict[str, list[ImportRecord]] = defaultdict(list)
    for record in sorted(waiting, key=lambda r: (r["priority"], r["created_at"])):
        by_user[record["user_id"]].append(record)
    allowed = [records[: max(0, per_user - in_flight.get(user, 0))] for user, records in sorted(by_user.items())]
    turns = [record for turn in zip_longest(*allowed) for record in turn if record is not None]
    return sorted(turns, key=lambda r: r["priority"])  # stable: the turns stay within a priority
