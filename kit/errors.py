"""What can go wrong, named by what happens next.

`RETRY` comes back by itself within seconds, `DEFER` waits in the deferred store until it is due, `FAIL` ends the
import with words that its owner can act on. Anything that is not an `ImportProblem` is a bug or a poison message
and is parked in the stage's dead letters; an outage of our own engines (`HOLD`) blames nobody and is waited out.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self


class Outcome(StrEnum):
    RETRY = "retry"
    DEFER = "defer"
    FAIL = "fail"
    PARK = "park"
    HOLD = "hold"


class ImportProblem(Exception):
    """Base of all that a user can be told. Never put a token, a URL with a query, or upstream text in `error`."""

    outcome: ClassVar[Outcome] = Outcome.FAIL
    status: ClassVar[int] = 400  # when the gateway raises it
    error_code: ClassVar[str] = "IMPORT_ERROR"
    waits_for: str | None = None  # what sets a deferred message free before its time, see `records.deferred.release`
    action: str = "retry"
    suggestion: str = "Try again. If it keeps failing, contact support with the task id."

    def __init__(
        self,
        error: str,
        *,
        action: str | None = None,
        suggestion: str | None = None,
        retry_at: datetime | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.action = action or self.action
        self.suggestion = suggestion or self.suggestion
        self.retry_at = retry_at
        self.facts = facts  # more fields of the body, JSON-able: project_url, max_bytes …

    def body(self) -> dict[str, Any]:
        """The error body that every API and event shows."""
        body: dict[str, Any] = {
            "success": False,
            "error": self.error,
            "error_code": self.error_code,
            "action": self.action,
            "suggestion": self.suggestion,
            **self.facts,
        }
        if self.retry_at:
            body["retry_at"] = self.retry_at.isoformat()
        return body


# What helps where a link leads to something else than the address takes.
IMPORT_LINK, IMPORT_CHANNEL, BROWSE_REPOSITORIES = "import_link", "import_channel", "browse_repositories"


class InvalidURLError(ImportProblem, ValueError):
    """A ValueError too: what a registry of integrations raises for a link that it does not know."""

    error_code = "INVALID_URL"
    action = "check_url"
    suggestion = "Check the link, then paste it again."


class IntegrationAuthError(ImportProblem):
    """The upstream does not let us, or the member, in. To whoever asks us it is a failed dependency (docs/adr/0011):
    401 and 403 say that it is we who do not know them, or do not let them."""

    status = 424
    error_code = "AUTH_ERROR"
    action = "connect_account"
    suggestion = "Connect the account again, then retry the import."

    @classmethod
    def reconnect(cls, title: str, provider: str, error: str, suggestion: str = "") -> Self:
        """Make the error that asks the member to connect `provider` again. `error` may name its `{title}`."""
        again = suggestion or "Connect {title} again, then retry the import."
        return cls(error.format(title=title), action=f"connect_{provider}", suggestion=again.format(title=title))


class TokenRefusedError(IntegrationAuthError):
    """The upstream says that the token itself is no good (401), whatever it was used for."""


class ContentNotFoundError(ImportProblem):
    status = 404
    error_code = "CONTENT_NOT_FOUND"
    action = "check_url"
    suggestion = "Check that the link is right and that you may see it; private content needs a connected account."


class ContentBlockedError(ContentNotFoundError):
    """The upstream shows it to nobody any more, whatever account asks: by law, or against its terms."""

    suggestion = "Ask the owner or the provider; no account can change it."


class ImportDuplicateError(ImportProblem):
    status = 409
    error_code = "DUPLICATE_IMPORT"
    action = "view_project"
    suggestion = "This link is in your portfolio already; open the existing project."


class RateLimitError(ImportProblem):
    """The upstream asks us to wait until `retry_at`."""

    outcome = Outcome.DEFER
    status = 429
    error_code = "RATE_LIMIT"
    action = "wait"
    suggestion = "Nothing to do: the import continues when the limit resets."

    @classmethod
    def resets(cls, title: str, retry_at: datetime, now: datetime) -> Self:
        """`title`'s limit; names the minute after which it is gone."""
        shown = retry_at + timedelta(seconds=59)
        day = "" if shown.date() == now.date() else f"{shown.day} {shown:%B}, "
        return cls(f"{title}'s limit resets at {day}{shown:%H:%M} UTC.", retry_at=retry_at)


class BudgetSpentError(RateLimitError):
    """What the upstream allows us is spent until `retry_at`. No call was made, so this is waited for however often."""


class UpstreamUnavailableError(ImportProblem):
    """The upstream failed after all quick retries; the message waits, and after its last wait the import fails."""

    outcome = Outcome.DEFER
    status = 503
    error_code = "UPSTREAM_UNAVAILABLE"
    action = "retry_later"
    suggestion = "The service did not answer. Try again in a few minutes."


class CredentialRefusedError(UpstreamUnavailableError):
    """The upstream refuses the application's own credential. Only the operator can mend that, so no member hears of an
    account: it waits as for an upstream that is down."""


class AccountUnavailableError(UpstreamUnavailableError):
    """The member's own account cannot be used just now, and may be in a while. What the public sees is read without."""

    action = "wait"
    suggestion = "Nothing to do: we try again automatically."


class ReauthRequiredError(ImportProblem):
    """The provider no longer takes the member's tokens. What needs them waits until the member has connected again."""

    outcome = Outcome.DEFER
    status = 424
    error_code = "AUTH_ERROR"

    def __init__(self, title: str, provider: str, waits_for: str) -> None:
        super().__init__(
            f"{title} access has expired or was revoked.",
            action=f"connect_{provider}",
            suggestion=f"Connect {title} again; waiting imports then continue.",
        )
        self.waits_for = waits_for


class BusyError(ImportProblem):
    """Somebody changed the same thing at this very moment; the next try sees what they made of it."""

    outcome = Outcome.RETRY
    status = 503
    error_code = "BUSY"


class AnalysisFailedError(ImportProblem):
    """The model gave nothing usable. The analyzer answers it with the extractive analysis; no import fails of it."""

    error_code = "ANALYSIS_FAILED"


class InternalError(ImportProblem):
    """What a user sees of a parked message."""

    status = 500
    error_code = "INTERNAL_ERROR"
    action = "contact_support"
    suggestion = "This is our fault. The import is kept; support can replay it."


def outcome_of(error: BaseException) -> Outcome:
    return error.outcome if isinstance(error, ImportProblem) else Outcome.PARK
