"""What YouTube allows. https://developers.google.com/youtube/v3/determine_quota_cost"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.base import Credentials
from integrations.coerce import as_dict, as_line, as_list
from integrations.settings import IntegrationSettings
from kit.budgets import APP, Bucket, Charge
from kit.errors import UpstreamUnavailableError
from kit.http import Response, retry_after

TITLE = "YouTube"
QUOTA = frozenset({"quotaexceeded", "dailylimitexceeded"})
TOO_FAST = frozenset({"ratelimitexceeded", "userratelimitexceeded", "rate_limit_exceeded"})
TOO_FAST_WAIT = timedelta(seconds=60)
_PER_DAY = re.compile(r"\blimit '[^']* per day'", re.IGNORECASE)


def limited_until(response: Response, now: datetime) -> datetime | None:
    """By the answer's reasons, since 403 is quota, speed and permission alike; None where it is permission."""
    if exhausted(response, now):
        return midnight_in_california(now)
    if response.status == 429 or reasons(response) & TOO_FAST:
        asked = retry_after(response.headers, now)
        return now + (timedelta(seconds=max(asked, 1)) if asked else TOO_FAST_WAIT)
    return None


def reasons(response: Response) -> set[str]:
    error = _error(response)
    entries = [*as_list(error.get("errors")), *as_list(error.get("details"))]
    return {as_line(as_dict(entry).get("reason"), 100).lower() for entry in entries}


def _error(response: Response) -> dict[str, Any]:
    try:
        return as_dict(as_dict(response.json()).get("error"))
    except UpstreamUnavailableError:  # not JSON
        return {}


def _is_of_a_day(error: dict[str, Any]) -> bool:
    """Newer quotas have the reason of a speed, and tell only by their unit or in words for how long they are."""
    facts = (as_dict(as_dict(detail).get("metadata")) for detail in as_list(error.get("details")))
    by_unit = any(as_line(fact.get("quota_unit"), 100).startswith("1/d/") for fact in facts)
    return by_unit or bool(_PER_DAY.search(as_line(error.get("message"), 1_000)))


def midnight_in_california(now: datetime) -> datetime:
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


# No answer tells what is left. Searches and statistics in batches have budgets of their own since June 2026.
UNITS = Bucket(
    "youtube.units",
    TITLE,
    10_000,
    midnight_in_california,
    reserve=0.2,
    fair=True,
    limited_until=limited_until,
    exhausted=exhausted,
)
SEARCH = replace(UNITS, name="youtube.search", units=100)
STATISTICS = replace(UNITS, name="youtube.statistics")


def charge(credentials: Credentials, settings: IntegrationSettings, *, units: int = 1, thing: str = "") -> Charge:
    """Of the application's own budget, whoever's token a call carries: YouTube counts by project."""
    bucket = replace(UNITS, units=settings.youtube_daily_units)
    return Charge(APP, ((bucket, units),), None, credentials.user_id, credentials.interactive, thing)
