"""Refused requests, and answers that are 200 and yet of no use. https://platform.openai.com/docs/guides/error-codes"""

import json
import math
from collections.abc import Callable
from typing import Any

from sandbox.exchange import Reply, dump
from sandbox.faults import Rule

JSON = {
    "Content-Type": "application/json",
    "openai-version": "2020-10-01",
    "openai-organization": "sandbox",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "Server": "cloudflare",
}


def error(status: int, message: str, kind: str, code: str | None = None, param: str | None = None) -> Reply:
    return Reply(status, JSON, dump({"error": {"message": message, "type": kind, "param": param, "code": code}}))


def invalid_key() -> Reply:
    message = "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys."
    return error(401, message, "invalid_request_error", "invalid_api_key")


def missing_key() -> Reply:
    message = (
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth."
    )
    return error(401, message, "invalid_request_error")


def bad_request(message: str, param: str | None = None) -> Reply:
    return error(400, message, "invalid_request_error", None, param)


def rate_limited(wait: float) -> Reply:
    message = f"Rate limit reached for requests. Please try again in {wait:g}s."
    reply = error(429, message, "requests", "rate_limit_exceeded")
    waits = {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(round(wait * 1_000))}
    left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": f"{wait:g}s"}
    return reply._replace(headers={**reply.headers, **waits, **left})


def _quota(_: Rule) -> Reply:
    message = "You exceeded your current quota, please check your plan and billing details."
    return error(429, message, "insufficient_quota", "insufficient_quota")


def _context(_: Rule) -> Reply:
    message = "This model's maximum context length is 128000 tokens. Please reduce the length of the messages."
    return error(400, message, "invalid_request_error", "context_length_exceeded", "messages")


def _server(rule: Rule) -> Reply:
    message = "The server had an error while processing your request. Sorry about that!"
    return error(rule.status or 500, message, "server_error")


REFUSALS: dict[str, Callable[[Rule], Reply]] = {
    "bad_credentials": lambda _: invalid_key(),
    "rate_limit": lambda rule: rate_limited(1.0 if rule.retry_after is None else rule.retry_after),
    "insufficient_quota": _quota,
    "context_length": _context,
    "server_error": _server,
}
BY_STATUS = {400: "context_length", 401: "bad_credentials", 429: "rate_limit"}

Spoiled = tuple[str | None, str | None, str]  # content, refusal, finish_reason
_HOSTILE = {"technologies": ["<img src=x onerror=alert(1)>", "javascript:alert(1)"], "project_type": "tool"}
SPOILED: dict[str, Callable[[str], Spoiled]] = {  # from the right content to what comes instead, still with status 200
    "refusal": lambda _: (None, "I'm sorry, but I can't help with that.", "stop"),
    "prose": lambda _: ("Sure! Here is what I think about it: it looks very nice.", None, "stop"),
    "fenced": lambda right: (f"```json\n{right}\n```", None, "stop"),
    "truncated_json": lambda right: (right[: len(right) // 2], None, "length"),
    "empty": lambda _: ("", None, "stop"),
    "filtered": lambda _: (None, None, "content_filter"),
    "wrong_schema": lambda _: (
        json.dumps({"description": 42, "technologies": "many", "project_type": ["?"]}),
        None,
        "stop",
    ),
    "huge": lambda right: (
        _with(right, description="All work and no play. " * 5_000, technologies=["x" * 500] * 400),
        None,
        "stop",
    ),
    "markup": lambda right: (
        _with(
            right,
            description="A tool. <script>alert(1)</script> [win](javascript:alert(1)) https://evil.example",
            **_HOSTILE,
        ),
        None,
        "stop",
    ),
}


def _with(right: str, **changes: Any) -> str:
    """The right content with some of the usual fields replaced, where it has them."""
    content = json.loads(right)
    return json.dumps(content | {name: value for name, value in changes.items() if name in content})


def fault(rule: Rule) -> Reply:
    kind = rule.kind if rule.kind in REFUSALS else BY_STATUS.get(rule.status or 500, "server_error")
    return REFUSALS[kind](rule)
