"""What YouTube allows. https://developers.google.com/youtube/v3/determine_quota_cost"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.coerce import as_dict, as_line, as_list
from integrations.responses import error_body, wait_until
from kit.budgets import Bucket
from kit.http import Response

TITLE = "YouTube"
QUOTA = frozenset({"quotaexceeded", "dailylimitexceeded"})
TOO_FAST = frozenset({"ratelimitexceeded", "userratelimitexceeded", "rate_limit_exceeded"})
_PER_DAY = re.compile(r"\blimit '[^']* per day'", re.IGNORECASE)


def limited_until(response: Response, now: datetime) -> datetime | None:
    """Return when YouTube answers again, by the response's reasons; None where 403 is a matter of permission."""
    if exhausted(response, now):
        return next_pacific_midnight(now)
    if response.status == 429 or reasons(response) & TOO_FAST:
        return wait_until(response, now)
    return None


def reasons(response: Response) -> set[str]:
    error = _error(response)
    entries = [*as_list(error.get("errors")), *as_list(error.get("details"))]
    return {as_line(as_dict(entry).get("reason"), 100).lower() for entry in entries}


def _error(response: Response) -> dict[str, Any]:
    return as_dict(error_body(response).get("error"))


def _is_of_a_day(error: dict[str, Any]) -> bool:
    """Newer quotas have the reason of a speed, and tell only by their unit or in words for how long they are."""
    facts = (as_dict(as_dict(detail).get("metadata")) for detail in as_list(error.get("details")))
    by_unit = any(as_line(fact.get("quota_unit"), 100).startswith("1/d/") for fact in facts)
    return by_unit or bool(_PER_DAY.search(as_line(error.get("message"), 1_000)))


def next_pacific_midnight(now: datetime) -> datetime:
    """When daily quotas begin anew."""
    zone: tzinfo
    try:
        zone = ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:  # a system without a time zone database: an hour late in summer
        zone = timezone(timedelta(hours=-8))
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(UTC)


def exhausted(response: Response, _now: datetime) -> bool:
    """Whether the day's units are gone."""
    why = reasons(response)
    return bool(why & QUOTA) or (bool(why & TOO_FAST) and _is_of_a_day(_error(response)))


# No response tells what is left.
UNITS = Bucket(
    "youtube.units",
    TITLE,
    10_000,
    next_pacific_midnight,
    reserve=0.2,
    fair=True,
    limited_until=limited_until,
    exhausted=exhausted,
)
