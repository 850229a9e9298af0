"""Every error leaves here as `{success: false, error, error_code, action, suggestion}`, and never with a traceback.

With `Accept: application/problem+json` the same members travel inside an RFC 9457 problem.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from kit.errors import ImportProblem, InternalError, RateLimitError
from kit.mongo import Document, is_outage
from services.gateway.web.methods import allowed

log = structlog.get_logger(__name__)
PROBLEM_JSON = "application/problem+json"
UNKNOWN = "extra_forbidden"  # pydantic's word for a field that there is not
MAX_FIELD_CHARS = 100  # of a name that the client made up


class UnauthorizedError(ImportProblem):
    status = 401
    error_code = "UNAUTHORIZED"
    action = "sign_in"
    suggestion = "Sign in again, and send the token as `Authorization: Bearer …`."


class SignatureError(ImportProblem):
    """A delivery that is not from whom it says."""

    status = 401
    error_code = "SIGNATURE_INVALID"
    action = "check_secret"
    suggestion = "Sign the body with the webhook's secret, by SHA-256 in X-Hub-Signature-256."


class ForbiddenError(ImportProblem):
    """It is known who asks, and they may not ask this way."""

    status = 403
    error_code = "FORBIDDEN"
    action = "sign_in"
    suggestion = "Sign in with a browser, and repeat the request from this service's own pages."


class NotFoundError(ImportProblem):
    """Also what a foreign id looks like: nobody learns that it exists."""

    status = 404
    error_code = "NOT_FOUND"
    action = "check_address"
    suggestion = "Check the id in the address. You see only your own; anyone else's id is a 404."


class SubscriptionGoneError(ImportProblem):
    """To a hub: do not come again."""

    status = 410
    error_code = "SUBSCRIPTION_GONE"
    action = "unsubscribe"
    suggestion = "Stop pushing to this address: its subscription has ended."


class NoSuchAddressError(NotFoundError):
    suggestion = "Check the address; every address under /api/ ends in a slash."


class InvalidRequestError(ImportProblem):
    status = 422
    error_code = "INVALID_REQUEST"
    action = "fix_request"
    suggestion = "Compare the request with the API's description at /openapi.json."


class IdempotencyConflictError(ImportProblem):
    status = 422
    error_code = "IDEMPOTENCY_KEY_REUSED"
    action = "new_key"
    suggestion = "Send a new Idempotency-Key with a new request; repeat a key only with the same body."


class ConflictError(ImportProblem):
    """What is there already stands in the way."""

    status = 409
    error_code = "CONFLICT"
    action = "remove_another"
    suggestion = "Remove another entry first."


AGAIN = "Send the request again when the limit allows, at `retry_at`."


class MemberLimitError(RateLimitError):
    """The member's own limit. Nothing was accepted, so it does not go on by itself."""

    suggestion = AGAIN

    def __init__(self, error: str, *, retry_at: datetime, headers: Mapping[str, str]) -> None:
        super().__init__(error, retry_at=retry_at)
        self.headers = headers


class ConsentRefusedError(ImportProblem):
    """The provider sent the member back without its consent."""

    error_code = "CONSENT_REFUSED"
    suggestion = "Connect the account again, and allow the access there."


class StoreUnavailableError(ImportProblem):
    """Our database is away: nothing was accepted, so nothing may say that it was."""

    status = 503
    error_code = "SERVICE_UNAVAILABLE"
    action = "retry_later"
    suggestion = "The request was not accepted. Send it again in a few seconds."


class BadRequestError(ImportProblem):
    error_code = "BAD_REQUEST"
    action = "fix_request"
    suggestion = InvalidRequestError.suggestion


class MethodNotAllowedError(ImportProblem):
    status = 405
    error_code = "METHOD_NOT_ALLOWED"
    action = "fix_request"
    suggestion = "The Allow header names the methods of this address."


class UnsupportedMediaTypeError(ImportProblem):
    status = 415
    error_code = "UNSUPPORTED_MEDIA_TYPE"
    action = "fix_request"
    suggestion = "Send JSON, and say so: with curl, `-H 'Content-Type: application/json'`."


class BodyTooLargeError(ImportProblem):
    status = 413
    error_code = "BODY_TOO_LARGE"
    action = "fix_request"
    suggestion = "Send only the link and its options."


# What the framework refuses by itself, before or beside our routes.
BY_STATUS: dict[int, type[ImportProblem]] = {
    404: NoSuchAddressError,
    405: MethodNotAllowedError,
    413: BodyTooLargeError,
}


def respond(request: Request, problem: ImportProblem, headers: dict[str, str] | None = None) -> JSONResponse:
    headers = dict(headers or {})
    if isinstance(problem, UnauthorizedError):  # not an upstream's: that says nothing about who is asking us
        headers.setdefault("WWW-Authenticate", "Bearer")
    if isinstance(problem, MemberLimitError):
        headers = {**problem.headers, **headers}
    if problem.retry_at:
        seconds = math.ceil((problem.retry_at - datetime.now(UTC)).total_seconds())
        headers.setdefault("Retry-After", str(max(1, seconds)))
    if problem.status == 503:
        headers.setdefault("Retry-After", "5")
    if PROBLEM_JSON not in request.headers.get("accept", ""):
        return JSONResponse(problem.body(), problem.status, headers)
    return JSONResponse(as_problem(problem), problem.status, headers, media_type=PROBLEM_JSON)


def as_problem(problem: ImportProblem) -> dict[str, Any]:
    return {
        "type": f"/errors/{problem.body()['error_code']}",
        "title": problem.error,
        "status": problem.status,
        "detail": problem.suggestion,
        **problem.body(),
    }


def of_failure(record: Document) -> ImportProblem:
    """The failure that a stage recorded, as if it had been raised here: same body, same status."""
    failure = dict(record["error"])
    kind = next((kind for kind in _kinds(ImportProblem) if kind.error_code == failure["error_code"]), ImportProblem)
    return kind(failure.pop("error"), **failure, task_id=str(record["_id"]))


def _kinds(base: type[ImportProblem]) -> Iterator[type[ImportProblem]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


def of_validation(error: RequestValidationError, content_type: str) -> ImportProblem:
    """Names the fields, never repeats what was sent. An id in the path that cannot be one is simply not found."""
    errors = error.errors()
    if isinstance(error.body, bytes):  # what came as something else is not even read
        came = "without a Content-Type" if not content_type else "with another Content-Type"
        return UnsupportedMediaTypeError(f"The body must be JSON, and it came {came}.")
    if all(one["loc"][0] == "path" for one in errors):
        return NotFoundError("There is nothing at this address.")
    fields = [{"field": _field(one), "problem": _problem(one)} for one in errors[:10]]
    unknown = [_field(one) for one in errors if one["type"] == UNKNOWN][:10]
    told = f"There is no field {', '.join(unknown)} here." if unknown else "The request is not valid."
    return InvalidRequestError(told, fields=fields)


def _field(error: Mapping[str, Any]) -> str:
    return ".".join(str(part)[:MAX_FIELD_CHARS] for part in error["loc"][1:])


def _problem(error: Mapping[str, Any]) -> str:
    return "There is no such field." if error["type"] == UNKNOWN else str(error["msg"])


def of_store(error: PyMongoError) -> ImportProblem:
    if is_outage(error):
        log.warning("MongoDB is down", error=type(error).__name__)
        return StoreUnavailableError("The service cannot take requests right now.")
    return of_bug(error)


def of_bug(error: Exception) -> ImportProblem:
    """Generic outside; the incident's id leads an operator to the log line with the rest."""
    incident = uuid4().hex
    log.error("unexpected error", incident=incident, exc_info=error)
    return InternalError(
        "Something went wrong on our side.",
        suggestion="Try again. If it keeps failing, contact support with the incident's id.",
        incident=incident,
    )


def of_broken_answer(error: Exception) -> None:
    """What ends an answer that has begun. Nobody can be told any more, so the connection ends in the middle of it."""
    origin = _origin(error)
    if isinstance(origin, TimeoutError):
        log.info("client stopped reading the response")
    elif isinstance(origin, ImportProblem) or (isinstance(origin, PyMongoError) and is_outage(origin)):
        log.warning("response cut off", error=type(origin).__name__)
    else:
        of_bug(error)


def _origin(error: BaseException) -> BaseException:
    """What was raised before a task group wrapped it, or the framework, which can answer for it no more."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif isinstance(error, RuntimeError) and error.__cause__:
            error = error.__cause__
        else:
            return error


def install(app: FastAPI) -> None:
    """Handlers for all but bugs, which the edge answers for."""

    async def on_problem(request: Request, error: Any) -> JSONResponse:
        if isinstance(error, RateLimitError):  # an upstream's, too: what a request meets does not go on by itself
            error.suggestion = AGAIN
        return respond(request, error)

    async def on_validation(request: Request, error: Any) -> JSONResponse:
        return respond(request, of_validation(error, request.headers.get("content-type", "")))

    async def on_http(request: Request, error: Any) -> Response:
        if error.status_code == 405:
            error.headers = {"Allow": allowed(request)}
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=error.headers)
        problem = BY_STATUS.get(error.status_code, BadRequestError)
        return respond(request, problem(str(error.detail)), error.headers)

    async def on_store(request: Request, error: Any) -> JSONResponse:
        return respond(request, of_store(error))

    app.add_exception_handler(ImportProblem, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(PyMongoError, on_store)
