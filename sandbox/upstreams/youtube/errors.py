"""Google's error bodies. Some messages hold HTML. https://developers.google.com/youtube/v3/docs/errors"""

from collections.abc import Callable
from typing import Any

from sandbox.exchange import Reply, dump
from sandbox.faults import Rule

JSON = {
    "Content-Type": "application/json; charset=UTF-8",
    "Vary": "Origin,Accept-Encoding, X-Origin",
    "Cache-Control": "private, max-age=0",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "X-XSS-Protection": "1; mode=block",
    "Server": "GSE",
}
_CONSOLE = "https://console.developers.google.com/apis/api/youtube.googleapis.com/overview?project=424242424242"


def error(
    code: int, message: str, domain: str, reason: str, *, extra: dict[str, Any] | None = None, **one: str
) -> Reply:
    """`one` goes into the single entry of `errors`, `extra` beside it."""
    entry = {"message": message, "domain": domain, "reason": reason, **one}
    body = {"error": {"code": code, "message": message, "errors": [entry], **(extra or {})}}
    return Reply(code, JSON, dump(body))


def missing_parameter(message: str, location: str) -> Reply:
    return error(
        400, message, "youtube.parameter", "missingRequiredParameter", location=location, locationType="parameter"
    )


def unknown_part(name: str) -> Reply:
    return error(400, f"'{name}'", "youtube.part", "unknownPart", location="part", locationType="parameter")


def too_many_ids() -> Reply:
    message = "The request specifies an invalid filter parameter."
    return error(400, message, "youtube.parameter", "invalidFilters", location="id", locationType="parameter")


def playlist_not_found() -> Reply:
    message = "The playlist identified with the request's <code>playlistId</code> parameter cannot be found."
    domain, reason = "youtube.playlistItem", "playlistNotFound"
    return error(404, message, domain, reason, location="playlistId", locationType="parameter")


def invalid_page_token() -> Reply:
    message = "The request specifies an invalid page token."
    domain, reason = "youtube.parameter", "invalidPageToken"
    return error(400, message, domain, reason, location="pageToken", locationType="parameter")


def key_invalid() -> Reply:
    message = "API key not valid. Please pass a valid API key."
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "youtube.googleapis.com"},
    }
    return error(400, message, "global", "badRequest", extra={"status": "INVALID_ARGUMENT", "details": [info]})


def unregistered() -> Reply:
    message = (
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API."
    )
    return error(403, message, "global", "forbidden", extra={"status": "PERMISSION_DENIED"})


def auth_error() -> Reply:
    reply = error(401, "Invalid Credentials", "global", "authError", location="Authorization", locationType="header")
    challenge = 'Bearer realm="https://accounts.google.com/", error=invalid_token'
    return reply._replace(headers={**reply.headers, "WWW-Authenticate": challenge})


def scope_insufficient() -> Reply:
    message = "Request had insufficient authentication scopes."
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "youtube.googleapis.com"},
    }
    extra = {"status": "PERMISSION_DENIED", "details": [info]}
    return error(403, message, "global", "insufficientPermissions", extra=extra)


def quota_exceeded() -> Reply:
    quota = '<a href="/youtube/v3/getting-started#quota">quota</a>'
    message = f"The request cannot be completed because you have exceeded your {quota}."
    return error(403, message, "youtube.quota", "quotaExceeded")


def _access_not_configured(_: Rule) -> Reply:
    message = (
        "YouTube Data API v3 has not been used in project 424242424242 before or it is disabled. Enable it by visiting "
        f"{_CONSOLE} then retry."
    )
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": "youtube.googleapis.com", "consumer": "projects/424242424242"},
    }
    extra = {"status": "PERMISSION_DENIED", "details": [info]}
    return error(403, message, "usageLimits", "accessNotConfigured", extra=extra)


def _backend_error(rule: Rule) -> Reply:
    status = rule.status or 503
    return error(
        status, "The service is currently unavailable.", "global", "backendError", extra={"status": "UNAVAILABLE"}
    )


FAULTS: dict[str, Callable[[Rule], Reply]] = {
    "key_invalid": lambda _: key_invalid(),
    "auth_error": lambda _: auth_error(),
    "quota_exceeded": lambda _: quota_exceeded(),
    "rate_limit": lambda _: error(403, "Rate Limit Exceeded", "usageLimits", "rateLimitExceeded"),
    "access_not_configured": _access_not_configured,
    "forbidden": lambda _: error(403, "The caller does not have permission", "global", "forbidden"),
    "playlist_not_found": lambda _: playlist_not_found(),
    "not_found": lambda _: error(404, "Requested entity was not found.", "global", "notFound"),
    "too_many": lambda _: error(429, "Resource has been exhausted (e.g. check quota).", "global", "rateLimitExceeded"),
    "backend_error": _backend_error,
}
BY_STATUS = {
    400: "key_invalid",
    401: "auth_error",
    403: "forbidden",
    404: "not_found",
    429: "too_many",
}


def fault(rule: Rule) -> Reply:
    kind = rule.kind if rule.kind in FAULTS else BY_STATUS.get(rule.status or 503, "backend_error")
    return FAULTS[kind](rule)
