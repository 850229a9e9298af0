"""What GitHub's error responses mean beyond their status.

403 is a limit only where something says so. Else it is a permission: of the member's account, of our own credential, or
of anybody, where GitHub has blocked the repository.

https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

import re

from integrations import own_credentials
from integrations.client import AppCredential
from integrations.coerce import as_dict, as_text
from integrations.responses import error_body
from kit.errors import ContentNotFoundError, ImportProblem, IntegrationAuthError, UpstreamUnavailableError
from kit.http import Response

TITLE = "GitHub"
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


def is_blocked(response: Response) -> bool:
    """Whether GitHub shows the repository to nobody: by law (451), or against its terms."""
    told = response.status == 403 and (_BLOCKED.match(_message(response)) or as_dict(error_body(response).get("block")))
    return response.status == 451 or bool(told)


def explain(response: Response, own: AppCredential | None, *, connected: bool) -> ImportProblem | None:
    """Return what a 403 is about, and whether a 404 may be a matter of scopes; None where the status says enough."""
    words, own = _message(response), None if connected else own
    if response.status == 403 and _TOO_MANY_LOGINS in words:
        if own:
            return own_credentials.refused(TITLE, own.setting, "too_many_attempts")
        return UpstreamUnavailableError("GitHub refuses access at the moment.")
    if response.status == 403:
        name, error, suggestion = _denial(response, words)
        if own:
            return own_credentials.refused(TITLE, own.setting, name)
        return IntegrationAuthError.reconnect(TITLE, "github", error, suggestion)
    if response.status in (404, 410):
        return not_found(connected=connected, private="repo" in _scopes(response))
    return None


def not_found(*, connected: bool, private: bool = True) -> ContentNotFoundError:
    """GitHub does not tell the missing from the private, so neither do we. `private` where the connected account lets
    us read what is."""
    suggestion = "Check the link. If the repository is private, connect GitHub and retry."
    if connected and private:
        suggestion = "Check the link, and that the connected account may see the repository."
    elif connected:
        suggestion = "Check the link. If the repository is private, connect GitHub again, with private repositories."
    return ContentNotFoundError("GitHub has no such repository, or it is private.", suggestion=suggestion)


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
    return _NAMES.sub("", as_text(error_body(response).get("message"))[:1_000].lower())


def _scopes(response: Response) -> set[str]:
    """Those of the token that was sent, as far as GitHub tells them; a fine-grained one has none to tell."""
    told = response.headers.get("x-oauth-scopes")
    return {"repo"} if told is None else {scope.strip() for scope in told.split(",")}
