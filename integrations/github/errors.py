"""What an answer of GitHub other than 200 means. 403 is a limit only where something says so, else a permission: of the
member's account, of our own credential, or of nobody, where GitHub has blocked the repository.

https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

import re
from datetime import datetime

from integrations import own_credentials
from integrations.base import Credentials, unexpected
from integrations.coerce import as_dict, as_text
from integrations.github.limits import TITLE, limited_until
from integrations.settings import IntegrationSettings
from kit.errors import (
    ContentBlockedError,
    ContentNotFoundError,
    ImportProblem,
    IntegrationAuthError,
    RateLimitError,
    TokenRefusedError,
    UpstreamUnavailableError,
)
from kit.http import Response

_BLOCKED = re.compile(
    r"(this )?repository (access blocked|unavailable|(has been |is )?(currently )?(disabled|blocked))"
)
_NAMES = re.compile(r"`[^`]*`")  # in messages, which may be called anything
_TOO_MANY_LOGINS = "maximum number of login attempts"
# What 403 may be about, by the words of its message: a name of ours, and what its member reads and can do.
_DENIALS = (
    (
        "address_not_allowed",
        re.compile(r"\bip allow list"),
        "The organisation has an IP allow list, and our address is not on it.",
        "Ask the organisation's owner to add our address, then retry the import.",
    ),
    (
        "application_not_approved",
        re.compile(r"oauth app access restrictions|third-party access"),
        "The organisation has not approved our application.",
        "Ask the organisation's owner to approve our application, then retry the import.",
    ),
    (
        "suspended",
        re.compile(r"\bsuspended\b"),
        "GitHub has suspended the connected account.",
        "Connect another account, then retry the import.",
    ),
)


def problem(response: Response, now: datetime, *, credentials: Credentials, own: str) -> ImportProblem:
    """`own` names the setting that holds the application's credential, where the request carried that."""
    status, connected = response.status, credentials.token is not None
    words = _message(response)
    if status == 451 or (status == 403 and (_BLOCKED.match(words) or _names_a_block(response))):
        return ContentBlockedError("GitHub has blocked this repository.")
    if status in (403, 429) and (retry_at := limited_until(response, now)):
        return RateLimitError.resets(TITLE, retry_at, now)
    if status == 403 and _TOO_MANY_LOGINS in words:
        if own and not connected:
            return own_credentials.refused(TITLE, own, "too_many_attempts")
        return UpstreamUnavailableError("GitHub refuses access at the moment.")
    if status in (401, 403):
        if own and not connected:
            return own_credentials.refused(TITLE, own, "unauthorized" if status == 401 else _denial(response, words)[0])
        if status == 401 and not connected:  # a GitHub of one's own that shows nothing to the public
            return _auth("GitHub shows this only to signed-in accounts.", "Connect GitHub, then retry the import.")
        if status == 401:
            return TokenRefusedError(
                "GitHub refused the connected account.",
                action="connect_github",
                suggestion="Connect GitHub again, then retry the import.",
            )
        _, error, suggestion = _denial(response, words)
        return _auth(error, suggestion)
    if status in (404, 410):
        return not_found(connected=connected, private="repo" in _scopes(response))
    return unexpected(response)


def not_found(*, connected: bool, private: bool = True) -> ContentNotFoundError:
    """GitHub does not tell the missing from the private, so neither do we. `private` where the connected account lets
    us read what is."""
    suggestion = "Check the link. If the repository is private, connect GitHub and retry."
    if connected and private:
        suggestion = "Check the link, and that the connected account may see the repository."
    elif connected:
        suggestion = "Check the link. If the repository is private, connect GitHub again, with private repositories."
    return ContentNotFoundError("GitHub has no such repository, or it is private.", suggestion=suggestion)


def own_credential(settings: IntegrationSettings) -> str:
    """The setting that holds the application's credential, as `github_api` chooses it; nothing without one."""
    if settings.github_token:
        return "GITHUB_TOKEN"
    return "GITHUB_CLIENT_SECRET" if settings.github_client_id and settings.github_client_secret else ""


def _auth(error: str, suggestion: str) -> IntegrationAuthError:
    return IntegrationAuthError(error, action="connect_github", suggestion=suggestion)


def _denial(response: Response, words: str) -> tuple[str, str, str]:
    if "x-github-sso" in response.headers:
        return (
            "single_sign_on",
            "The organisation asks for single sign-on.",
            "Authorise the connected GitHub account for this organisation, then retry the import.",
        )
    for name, pattern, error, suggestion in _DENIALS:
        if pattern.search(words):
            return name, error, suggestion
    return (
        "forbidden",
        "GitHub does not allow us to read this repository.",
        "Connect a GitHub account that may read the repository.",
    )


def _message(response: Response) -> str:
    return _NAMES.sub("", as_text(_body(response).get("message"))[:1_000].lower())


def _names_a_block(response: Response) -> bool:
    return bool(as_dict(_body(response).get("block")))


def _body(response: Response) -> dict[str, object]:
    try:
        return as_dict(response.json())
    except UpstreamUnavailableError:  # not JSON
        return {}


def _scopes(response: Response) -> set[str]:
    """Those of the token that was sent, as far as GitHub tells them; a fine-grained one has none to tell."""
    told = response.headers.get("x-oauth-scopes")
    return {"repo"} if told is None else {scope.strip() for scope in told.split(",")}
