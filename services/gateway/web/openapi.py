"""The error answers in the API's description, each with an example."""

from datetime import UTC, datetime
from typing import Any

from kit.errors import ImportDuplicateError, ImportProblem, IntegrationAuthError, InternalError, InvalidURLError
from kit.http import BodyTooLargeError as BodyTooLargeUpstreamError
from services.gateway.web import examples
from services.gateway.web.errors import (
    PROBLEM_JSON,
    BodyTooLargeError,
    ForbiddenError,
    InvalidRequestError,
    MemberLimitError,
    NotFoundError,
    StoreUnavailableError,
    UnauthorizedError,
    UnsupportedMediaTypeError,
    as_problem,
)
from services.gateway.web.examples import PROJECT_ID
from services.gateway.web.responses import ErrorResponse

Responses = dict[int | str, dict[str, Any]]

RATE_LIMIT_HEADERS = {
    "RateLimit-Policy": {
        "description": "The limit's name, its number of requests (`q`) and its window in seconds (`w`).",
        "schema": {"type": "string", "example": '"repositories";q=10;w=3600'},
    },
    "RateLimit": {
        "description": "How many requests are left (`r`), and in how many seconds one more is allowed (`t`).",
        "schema": {"type": "string", "example": '"repositories";r=9;t=3412'},
    },
}

PUBLIC: dict[str, Any] = {"security": [{}]}  # also without a token: added to the ways in

EXAMPLES: dict[int, tuple[str, ImportProblem]] = {
    400: (
        "The link cannot be imported, or the request cannot be read.",
        InvalidURLError("This link is not supported."),
    ),
    401: ("The request has no valid token or session.", UnauthorizedError("The token is not valid, or has expired.")),
    403: (
        "Another site's page sent the request with a browser's cookie, or an API token may not do this.",
        ForbiddenError("An API token cannot do this."),
    ),
    404: ("There is no such thing, or it is not visible to you.", NotFoundError("There is no such task.")),
    409: (
        "This link is in your portfolio already.",
        ImportDuplicateError(
            "You have imported this link already.", project_id=PROJECT_ID, project_url="/ada/hello-world"
        ),
    ),
    413: ("The request is too large.", BodyTooLargeError("The request is larger than 16384 bytes.")),
    415: (
        "The body is no JSON, or does not say that it is.",
        UnsupportedMediaTypeError("The body must be JSON, and it came without a Content-Type."),
    ),
    422: (
        "The request is malformed, or its Idempotency-Key was used for another one.",
        InvalidRequestError("The request is not valid.", fields=[{"field": "url", "problem": "Field required"}]),
    ),
    424: (
        "The provider refuses access, or grants too little for this import.",
        IntegrationAuthError(
            "GitHub is not connected.", action="connect_github", suggestion="Connect GitHub, then try again."
        ),
    ),
    429: (
        "You have started as many of these imports as an hour allows.",
        MemberLimitError(
            "You may import 10 repositories an hour; the next one at 15:09:27 UTC.",
            retry_at=datetime(2026, 3, 14, 15, 9, 27, tzinfo=UTC),
            headers={},
        ),
    ),
    500: (
        "The service failed; it is not the caller's fault.",
        InternalError("Something went wrong on our side.", incident="6f1c0a…"),
    ),
    502: (
        "The link holds more than an import may carry.",
        BodyTooLargeUpstreamError("GitHub answered with more than we can import."),
    ),
    503: (
        "The request was not accepted; send it again.",
        StoreUnavailableError("The service cannot take requests right now."),
    ),
}


def errors(*statuses: int) -> Responses:
    """Those answers, and what every route may answer; with 413, also what every body may be answered with."""
    of_bodies = {400, 415} if 413 in statuses else set()
    return {status: _response(*EXAMPLES[status]) for status in sorted({*statuses, *of_bodies, 401, 422, 500, 503})}


def imported_channel() -> dict[str, Any]:
    """The 409 of a channel that was imported before."""
    duplicate = ImportDuplicateError(
        "You have imported this channel already, and follow it.",
        action="view_source",
        suggestion="New videos are imported automatically. Open the source, or request a sync now.",
        source_id=examples.CHANNEL_SOURCE["id"],
        source=examples.CHANNEL_SOURCE,
        projects=[{"project_id": PROJECT_ID, "project_url": "/ada/high-water", "title": "High water"}],
    )
    return _response(
        "You have imported this channel already (its source and projects are in the body), or follow too many sources.",
        duplicate,
    )


def _response(description: str, problem: ImportProblem) -> dict[str, Any]:
    response: dict[str, Any] = {
        "model": ErrorResponse,
        "description": description,
        "content": {
            "application/json": {"example": problem.body()},
            PROBLEM_JSON: {"example": as_problem(problem), "schema": {"$ref": "#/components/schemas/ErrorResponse"}},
        },
    }
    if problem.status in (429, 503):
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    if problem.status == 429:
        response["headers"] |= RATE_LIMIT_HEADERS
    return response
