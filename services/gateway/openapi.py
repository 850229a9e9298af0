"""The error answers in the API's description, each with an example."""

from typing import Any

from kit.errors import ImportDuplicateError, ImportProblem, InternalError, InvalidURLError
from services.gateway.answers import ErrorAnswer
from services.gateway.errors import (
    PROBLEM_JSON,
    BodyTooLargeError,
    InvalidRequestError,
    NotFoundError,
    StoreUnavailableError,
    UnauthorizedError,
    as_problem,
)
from services.gateway.examples import PROJECT_ID

Responses = dict[int | str, dict[str, Any]]

EXAMPLES: dict[int, tuple[str, ImportProblem]] = {
    400: ("The link is not one that we can import.", InvalidURLError("This link is not supported.")),
    401: ("No valid token.", UnauthorizedError("The token is not valid, or has expired.")),
    404: ("It does not exist, or is not yours to see.", NotFoundError("There is no such task.")),
    409: (
        "This link is in your portfolio already.",
        ImportDuplicateError(
            "You have imported this link already.", project_id=PROJECT_ID, project_url="/ada/hello-world"
        ),
    ),
    413: ("The request is too large.", BodyTooLargeError("The request is larger than 16384 bytes.")),
    422: (
        "The request is malformed, or its Idempotency-Key was used for another one.",
        InvalidRequestError("The request is not valid.", fields=[{"field": "url", "problem": "Field required"}]),
    ),
    500: ("Our fault.", InternalError("Something went wrong on our side.", incident="6f1c0a…")),
    503: ("Nothing was accepted; send it again.", StoreUnavailableError("The service cannot take requests right now.")),
}


def errors(*statuses: int) -> Responses:
    """Those answers, and what every route may answer."""
    return {status: _response(*EXAMPLES[status]) for status in sorted({*statuses, 401, 422, 500, 503})}


def _response(description: str, problem: ImportProblem) -> dict[str, Any]:
    response: dict[str, Any] = {
        "model": ErrorAnswer,
        "description": description,
        "content": {
            "application/json": {"example": problem.body()},
            PROBLEM_JSON: {"example": as_problem(problem), "schema": {"$ref": "#/components/schemas/ErrorAnswer"}},
        },
    }
    if problem.status == 503:
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return response
