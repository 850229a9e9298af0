"""Answers that If-None-Match can save. The ETag differs from token to token, as GitHub's does."""

import hashlib
from typing import NamedTuple

from sandbox.exchange import Call, Reply
from sandbox.upstreams.credentials import Caller
from sandbox.upstreams.github import errors


class Rendered(NamedTuple):
    body: bytes
    digest: str


def rendered(body: bytes) -> Rendered:
    return Rendered(body, hashlib.sha256(body).hexdigest())


def conditional(call: Call, caller: Caller, answer: Rendered, headers: dict[str, str] | None = None) -> Reply:
    """200, or 304 where If-None-Match holds the ETag."""
    etag = f'W/"{hashlib.sha256(f"{caller.key}{answer.digest}".encode()).hexdigest()}"'
    if etag in call.headers.get("If-None-Match", ""):
        return Reply(304, {"ETag": etag}, b"")
    return Reply(200, errors.JSON | (headers or {}) | {"ETag": etag}, answer.body)
