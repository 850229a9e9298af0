"""Reading an upstream's responses: waits, error bodies, and responses that no provider documents."""

from datetime import datetime, timedelta
from typing import Any

from integrations.coerce import as_dict
from kit.errors import UpstreamUnavailableError
from kit.http import Response, retry_after

DEFAULT_WAIT = timedelta(seconds=60)


def wait_until(response: Response, now: datetime, default: timedelta = DEFAULT_WAIT) -> datetime:
    """Return when `Retry-After` lets us ask again, in a second at the earliest; in `default` where it is absent."""
    asked = retry_after(response.headers, now)
    return now + (default if asked is None else timedelta(seconds=max(asked, 1)))


def too_many_until(response: Response, now: datetime) -> datetime | None:
    """Return when a 429 lets us ask again; None for any other status."""
    return wait_until(response, now) if response.status == 429 else None


def error_body(response: Response) -> dict[str, Any]:
    """Return the JSON object of an error response; an empty one where the body is anything else."""
    try:
        return as_dict(response.json())
    except UpstreamUnavailableError:  # not JSON
        return {}


def malformed_response(title: str) -> UpstreamUnavailableError:
    """Make the error for a success whose body lacks what every success has."""
    return UpstreamUnavailableError(f"{title} sent an invalid answer.")


def unexpected_status(response: Response) -> UpstreamUnavailableError:
    return UpstreamUnavailableError(f"{response.service} sent an unexpected answer ({response.status}).")
