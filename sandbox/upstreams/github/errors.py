"""GitHub's refusals, word for word where importers go by the words.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import math
import time
from collections.abc import Callable
from email.utils import formatdate

from sandbox.exchange import Reply, dump
from sandbox.faults import Rule

JSON = {"Content-Type": "application/json; charset=utf-8"}
DOCS = "https://docs.github.com"
LIMIT_DOCS = f"{DOCS}/rest/using-the-rest-api/rate-limits-for-the-rest-api"


def error(status: int, message: str, docs: str = f"{DOCS}/rest", **headers: str) -> Reply:
    body = {"message": message, "documentation_url": docs, "status": str(status)}
    return Reply(status, JSON | headers, dump(body))


def not_found(docs: str = f"{DOCS}/rest/repos/repos#get-a-repository") -> Reply:
    return error(404, "Not Found", docs)


def bad_credentials() -> Reply:
    return error(401, "Bad credentials")


def no_user_agent() -> Reply:
    body = "Missing or invalid User Agent string. See http://developer.github.com/v3/#user-agent-required"
    return Reply(403, {"Content-Type": "application/octet-stream", "Server": "GitHub.com"}, dump({"message": body}))


def moved(location: str) -> Reply:
    body = {
        "message": "Moved Permanently",
        "url": location,
        "documentation_url": f"{DOCS}/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
    }
    return Reply(301, JSON | {"Location": location}, dump(body))


def blocked(full_name: str = "someone/something") -> Reply:
    notice = f"https://github.com/github/dmca/blob/master/2026/{full_name.replace('/', '-')}.md"
    block = {"reason": "dmca", "created_at": "2026-04-01T12:00:00Z", "html_url": notice}
    return Reply(451, JSON, dump({"message": "Repository access blocked", "block": block}))


def empty() -> Reply:
    return error(409, "Git Repository is empty.", f"{DOCS}/rest/commits/commits#list-commits")


def rate_limited(caller: str, authenticated: bool, headers: dict[str, str]) -> Reply:
    """The primary limit: 403 with nothing remaining."""
    if authenticated:
        message = (
            f"API rate limit exceeded for user ID {caller}. If you reach out to GitHub Support for help, "
            "please include the request ID."
        )
    else:
        message = (
            f"API rate limit exceeded for {caller}. (But here's the good news: Authenticated requests get a higher "
            "rate limit. Check out the documentation for more details.)"
        )
    return error(403, message, LIMIT_DOCS, **headers)


def limit_headers(limit: int, used: int, reset: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(max(0, limit - used)),
        "X-RateLimit-Reset": str(math.ceil(reset)),
        "X-RateLimit-Used": str(min(limit, used)),
        "X-RateLimit-Resource": "core",
    }


def _primary(rule: Rule) -> Reply:
    return rate_limited("203.0.113.7", False, limit_headers(60, 60, time.time() + rule.reset_in))


def _secondary(rule: Rule) -> Reply:
    """With quota left; Retry-After only if the rule has one."""
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    headers = limit_headers(5_000, 9, time.time() + rule.reset_in)
    return error(rule.status or 403, message, f"{LIMIT_DOCS}#about-secondary-rate-limits", **headers)


def _secondary_429(rule: Rule) -> Reply:
    reply = _secondary(rule)
    wait = 8 if rule.retry_after is None else math.ceil(rule.retry_after)
    return reply._replace(status=429, headers={**reply.headers, "Retry-After": str(wait)})


def _secondary_429_date(rule: Rule) -> Reply:
    reply = _secondary_429(rule)
    due = time.time() + float(reply.headers["Retry-After"])
    return reply._replace(headers={**reply.headers, "Retry-After": formatdate(due, usegmt=True)})


def _html(rule: Rule) -> Reply:
    status = rule.status or 503
    page = (
        f"<html><body><h1>{status} Service Unavailable</h1>No server is available to handle this request.</body></html>"
    )
    return Reply(status, {"Content-Type": "text/html; charset=utf-8"}, page.encode())


FAULTS: dict[str, Callable[[Rule], Reply]] = {
    "bad_credentials": lambda _: bad_credentials(),
    "forbidden": lambda _: error(403, "Resource not accessible by integration"),
    "rate_limit": _primary,
    "secondary": _secondary,
    "secondary_429": _secondary_429,
    "secondary_429_date": _secondary_429_date,
    "not_found": lambda _: not_found(),
    "empty": lambda _: empty(),
    "blocked": lambda _: blocked(),
    "html": _html,
}
BY_STATUS: dict[int, str] = {
    401: "bad_credentials",
    403: "forbidden",
    404: "not_found",
    409: "empty",
    429: "secondary_429",
    451: "blocked",
}


def fault(rule: Rule) -> Reply:
    """The answer that a rule names by kind or by status; other statuses get a page of HTML, as from a proxy."""
    kind = rule.kind if rule.kind in FAULTS else BY_STATUS.get(rule.status or 503, "html")
    return FAULTS[kind](rule)
