"""What GitHub allows. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.coerce import as_int, as_text
from integrations.responses import error_body, wait_until
from kit.budgets import Bucket, Reading, Slots, after, every
from kit.http import Response, retry_after

TITLE = "GitHub"
SECONDARY_WAIT = timedelta(seconds=60)
LONGEST_WINDOW = timedelta(days=1)  # a reset beyond this is a broken header
# 900 points may be spent in any minute. Whatever minute one looks at, it overlaps with this many of the windows.
POINTS_WINDOW, WINDOWS_IN_A_MINUTE = timedelta(seconds=5), 13


def limited_until(response: Response, now: datetime) -> datetime | None:
    """Return when GitHub answers again; None where 403 is a matter of permission.

    In the order that GitHub documents: Retry-After, an empty allowance, and at least a minute for the secondary limit,
    which neither header need tell of, and for an allowance that should be back already.
    """
    if retry_after(response.headers, now) is not None:
        return wait_until(response, now)
    if response.headers.get("x-ratelimit-remaining") == "0":
        reset = _reset(response, now)
        return reset if reset and reset > now else now + SECONDARY_WAIT
    if response.status == 429 or _names_a_limit(response):
        return now + SECONDARY_WAIT
    return None


def read(response: Response, now: datetime) -> Reading | None:
    """The hourly count, which every answer tells: of the account, or of the address where there is none."""
    headers = response.headers
    limit, left = as_int(headers.get("x-ratelimit-limit")), as_int(headers.get("x-ratelimit-remaining"))
    reset = _reset(response, now)
    if headers.get("x-ratelimit-resource", "core") != "core" or limit is None or left is None or reset is None:
        return None
    return Reading(limit, max(0, limit - left), reset)


def not_modified(response: Response) -> bool:
    return response.status == 304


def exhausted(response: Response, now: datetime) -> bool:
    """Whether the hour's allowance is gone, until a time that is still to come."""
    reset = _reset(response, now)
    return response.headers.get("x-ratelimit-remaining") == "0" and reset is not None and reset > now


CORE = Bucket(
    "github.core", TITLE, 5_000, after(timedelta(hours=1)), 0.2, True, read, limited_until, not_modified, exhausted
)
WITHOUT_CREDENTIAL = replace(CORE, name="github.anonymous", units=60, free=None)  # there, a 304 is counted
POINTS = Bucket("github.points", TITLE, 900 // WINDOWS_IN_A_MINUTE, every(POINTS_WINDOW))
CALLS = Slots("github.calls", TITLE, 100)


def _reset(response: Response, now: datetime) -> datetime | None:
    reset = as_int(response.headers.get("x-ratelimit-reset"))
    if reset is None or reset > (now + LONGEST_WINDOW).timestamp():
        return None
    return datetime.fromtimestamp(reset, UTC)


def _names_a_limit(response: Response) -> bool:
    message = as_text(error_body(response).get("message")).lower()
    return "secondary rate limit" in message or "abuse detection" in message
