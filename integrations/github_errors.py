"""What an answer of GitHub other than 200 means. 403 is a limit only where something says so, else a permission."""

from datetime import UTC, datetime, timedelta

from integrations.base import unexpected
from integrations.clean import as_dict, as_int, as_text
from kit.errors import (
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    UpstreamUnavailableError,
)
from kit.http import Response, retry_after

TITLE = "GitHub"
SECONDARY_WAIT = timedelta(seconds=60)
LONGEST_WINDOW = timedelta(days=1)  # a reset beyond this is a broken header


def problem(response: Response, now: datetime, *, connected: bool) -> ImportProblem:
    """`connected` tells whether the request carried the member's own token."""
    status = response.status
    if status in (403, 429) and (retry_at := _limited_until(response, now)):
        return RateLimitError.resets(TITLE, retry_at, now)
    if status == 401:
        return _auth("GitHub refused our credentials.", "Connect GitHub again, then retry the import.")
    if status == 403 and "x-github-sso" in response.headers:
        return _auth(
            "The organisation asks for single sign-on.",
            "Authorise the connected GitHub account for this organisation, then retry the import.",
        )
    if status == 403:
        return _auth("GitHub does not let us read this repository.", "Connect a GitHub account that may read it.")
    if status in (404, 410):
        return not_found(connected=connected)
    if status == 451:
        return ContentNotFoundError(
            "GitHub has blocked this repository for legal reasons.", suggestion="Ask the owner or GitHub about it."
        )
    return unexpected(response)


def not_found(*, connected: bool) -> ContentNotFoundError:
    """GitHub does not tell the missing from the private, so neither do we."""
    return ContentNotFoundError(
        "GitHub has no such repository, or it is private.",
        suggestion="Check the link, and that the connected account may see the repository."
        if connected
        else "Check the link. If the repository is private, connect GitHub and retry.",
    )


def _limited_until(response: Response, now: datetime) -> datetime | None:
    """In the order that GitHub documents: Retry-After, an empty allowance, and at least a minute for the secondary
    limit, which neither header need tell of."""
    asked = retry_after(response.headers, now)
    if asked is not None:
        return now + timedelta(seconds=max(asked, 1))
    if response.headers.get("x-ratelimit-remaining") == "0":
        reset = as_int(response.headers.get("x-ratelimit-reset"))
        if reset is not None and reset <= (now + LONGEST_WINDOW).timestamp():
            return max(datetime.fromtimestamp(reset, UTC), now + timedelta(seconds=1))
        return now + SECONDARY_WAIT
    if response.status == 429 or _names_a_limit(response):
        return now + SECONDARY_WAIT
    return None


def _names_a_limit(response: Response) -> bool:
    try:
        message = as_text(as_dict(response.json()).get("message")).lower()
    except UpstreamUnavailableError:  # not JSON
        return False
    return "secondary rate limit" in message or "abuse detection" in message


def _auth(error: str, suggestion: str) -> IntegrationAuthError:
    return IntegrationAuthError(error, action="connect_github", suggestion=suggestion)
