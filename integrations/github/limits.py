"""What GitHub allows. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.base import Credentials
from integrations.coerce import as_dict, as_int, as_text
from integrations.settings import IntegrationSettings
from kit.budgets import ANONYMOUS, APP, Bucket, Charge, Reading, Slots, after, every
from kit.errors import UpstreamUnavailableError
from kit.http import Response, retry_after

TITLE = "GitHub"
SECONDARY_WAIT = timedelta(seconds=60)
LONGEST_WINDOW = timedelta(days=1)  # a reset beyond this is a broken header
# 900 points may be spent in any minute. Whatever minute one looks at, it overlaps with this many of the windows.
POINTS_WINDOW, WINDOWS_IN_A_MINUTE = timedelta(seconds=5), 13


def limited_until(response: Response, now: datetime) -> datetime | None:
    """In the order that GitHub documents: Retry-After, an empty allowance, and at least a minute for the secondary
    limit, which neither header need tell of, and for an allowance that should be back already. None where 403 is a
    matter of permission."""
    asked = retry_after(response.headers, now)
    if asked is not None:
        return now + timedelta(seconds=max(asked, 1))
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


def charge(credentials: Credentials, settings: IntegrationSettings) -> Charge:
    """One GET: a call of the hour, a point of the minute, and a place among the calls under way."""
    if credentials.token:
        account = credentials.account or f"member {credentials.user_id}"
    else:
        own = settings.github_token or (settings.github_client_id and settings.github_client_secret)
        account = APP if own else ANONYMOUS
    hourly = WITHOUT_CREDENTIAL if account == ANONYMOUS else CORE
    points = replace(POINTS, units=max(1, settings.github_points_per_minute // WINDOWS_IN_A_MINUTE))
    return Charge(
        account,
        ((hourly, 1), (points, 1)),
        replace(CALLS, count=settings.github_concurrent_calls),
        credentials.user_id,
        credentials.interactive,
    )


def _reset(response: Response, now: datetime) -> datetime | None:
    reset = as_int(response.headers.get("x-ratelimit-reset"))
    if reset is None or reset > (now + LONGEST_WINDOW).timestamp():
        return None
    return datetime.fromtimestamp(reset, UTC)


def _names_a_limit(response: Response) -> bool:
    try:
        message = as_text(as_dict(response.json()).get("message")).lower()
    except UpstreamUnavailableError:  # not JSON
        return False
    return "secondary rate limit" in message or "abuse detection" in message
