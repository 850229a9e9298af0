"""What an answer of GitHub other than 200 means. 403 is a limit only where something says so, else a permission."""

from datetime import datetime

from integrations.base import unexpected
from integrations.github_limits import TITLE, limited_until
from kit.errors import (
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    TokenRefusedError,
)
from kit.http import Response


def problem(response: Response, now: datetime, *, connected: bool) -> ImportProblem:
    """`connected` tells whether the request carried the member's own token."""
    status = response.status
    if status in (403, 429) and (retry_at := limited_until(response, now)):
        return RateLimitError.resets(TITLE, retry_at, now)
    if status == 401:
        return TokenRefusedError(
            "GitHub refused our credentials.",
            action="connect_github",
            suggestion="Connect GitHub again, then retry the import.",
        )
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


def _auth(error: str, suggestion: str) -> IntegrationAuthError:
    return IntegrationAuthError(error, action="connect_github", suggestion=suggestion)
